// Draws the days of each service, and asks the server how it is. The page reads well without it.
"use strict";

const DAYS = 60;

// A small repeatable generator: the same page every time, so that pictures can be compared.
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

function drawDays(row) {
  const next = generator(Number(row.dataset.seed));
  const marks = document.createDocumentFragment();
  for (let day = 0; day < DAYS; day += 1) {
    const mark = document.createElement("i");
    mark.style.height = `${78 + Math.round(next() * 22)}%`;
    if (String(day) === row.dataset.rough) mark.className = "rough";
    if (String(day) === row.dataset.storm) mark.className = "storm";
    marks.append(mark);
  }
  row.querySelector(".days").append(marks);
}

async function askTheServer() {
  const self = document.getElementById("self");
  try {
    const answer = await fetch("/healthz", { cache: "no-store" });
    const health = await answer.json();
    self.textContent = health.status === "ok" ? `v${health.version}` : "adrift";
  } catch {
    self.textContent = "adrift";
  }
}

// `site shot` reads this to make its window as tall as the page.
function tellTheHeight() {
  const root = document.documentElement;
  root.dataset.pageHeight = String(Math.ceil(root.getBoundingClientRect().height));
}

document.querySelectorAll(".services li").forEach(drawDays);
tellTheHeight();
window.addEventListener("load", tellTheHeight);
askTheServer();

// The project that each snippet is checked in; the snippet stands at `@@`.

export const FILES = { 'agents.coord': 'edition 2026\n\nagent backend "Backend"\n' };

const PEOPLE = `edition 2026

agent backend "Backend" {
  via human
}
agent frontend "Frontend"
agent infrastructure "Infrastructure"
human designer "Designer"
human tech-lead "Tech lead"
human board "The board"
`;

const WORK = `
task schema "Schema" {
  by backend
  takes 1d
}
task auth "Auth" {
  by backend
  takes 1d
}
`;

const LADDER = `
escalation delivery "Delivery" {
  level L1 "First" by tech-lead within 1h
  level L2 "Second" by board within 1d
}
`;

const file = '@@\n';
const top = `${PEOPLE}\n@@\n`;
const besideWork = `${PEOPLE}${WORK}\n@@\n`;
const besideLadder = `${PEOPLE}${LADDER}\n@@\n`;
const inTask = `${PEOPLE}${WORK}\ntask here "Here" {\n  by backend\n  takes 1d\n  @@\n}\n`;
const inProgram = 'edition 2026\n\ntask here "Here" {\n  takes 1d\n  run ["true"]\n  @@\n}\n';
const forProgram = 'edition 2026\n\ntask here "Here" {\n  takes 1d\n  @@\n}\n';
const inPhase = `${PEOPLE}\nphase one "One" {\n  task schema "Schema" {\n    by backend\n    takes 1d\n  }\n  @@\n}\n`;
const inGate = `edition 2026\n\ngate ready "Ready" {\n  @@\n}\ntask here { run ["true"]\n requires ready\n}\n`;

export const SURROUNDINGS = {
  file,
  edition: file,
  use: 'edition 2026\n@@\n',
  project: top,
  param: top,
  secret: top,
  calendar: top,
  agent: 'edition 2026\n@@\n',
  'agent over ACP': 'edition 2026\n@@\n',
  human: 'edition 2026\n@@\n',
  tier: top,
  group: top,
  task: top,
  'task with a program': top,
  'task with a script': top,
  'task with a question': top,
  run: forProgram,
  'run a script': forProgram,
  retry: inProgram,
  needs: inTask,
  'needs within': inTask,
  approve: inTask,
  phase: top,
  parallel: top,
  sequence: top,
  sync: inPhase,
  'recurring sync': top,
  milestone: besideWork,
  workflow: top,
  resource: top,
  gate: top,
  check: inGate,
  escalation: top,
  conflict: top,
  domain: top,
  handoff: besideLadder,
  incident: top,
  on: top,
  mode: top,
  channel: top,
  template: top,
  metric: top,
  dashboard: top,
  diagram: `${PEOPLE.replace('via human', 'needs infrastructure')}\n@@\n`,
  expect: `${PEOPLE}${WORK}\n@@\n`,
  test: `${PEOPLE}${WORK}${LADDER}\n@@\n`,
};

//! `coord man`: the manual page, from the same definition as the help.

use super::args::Cli;
use super::exit::{Exit, Failure, Outcome};
use super::screen::Screen;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

pub(crate) fn man(screen: &Screen) -> Outcome {
    let mut page = Vec::new();
    write(&mut page)
        .map_err(|e| Failure::environment(format!("cannot write the manual page: {e}")))?;
    screen.raw(&page);
    Ok(Exit::Done)
}

/// One page for all of it: the program first, then each command with its options.
fn write(page: &mut Vec<u8>) -> std::io::Result<()> {
    let mut coord = Cli::command();
    coord.build();
    let main = Man::new(coord.clone());
    main.render_title(page)?;
    main.render_name_section(page)?;
    main.render_synopsis_section(page)?;
    main.render_description_section(page)?;
    main.render_options_section(page)?;
    page.extend_from_slice(b".SH COMMANDS\n");
    for command in coord.get_subcommands().filter(|c| !c.is_hide_set()) {
        section(page, command)?;
    }
    main.render_extra_section(page)?;
    main.render_version_section(page)
}

fn section(page: &mut Vec<u8>, command: &Command) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let part = Man::new(own_options(command.clone()));
    let heading = format!(".SS \"{}\"\n", name.replacen('-', " ", 1));
    page.extend_from_slice(heading.as_bytes());
    for render in [
        Man::render_description_section,
        Man::render_synopsis_section,
        Man::render_options_section,
        Man::render_extra_section,
    ] {
        let mut text = Vec::new();
        render(&part, &mut text)?;
        page.extend(without_headings(&text));
    }
    Ok(())
}

/// What every command takes stands once, at the program's own options.
fn own_options(command: Command) -> Command {
    let common: Vec<_> = command
        .get_arguments()
        .filter(|arg| arg.is_global_set() || ["help", "version"].contains(&arg.get_id().as_str()))
        .map(|arg| arg.get_id().clone())
        .collect();
    common
        .into_iter()
        .fold(command, |c, id| c.mut_arg(id, |arg| arg.hide(true)))
}

/// Sections of a command become paragraphs of the one page, which has its definitions already.
fn without_headings(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    text.split_inclusive('\n')
        .filter(|line| !line.starts_with(".ie ") && !line.starts_with(".el "))
        .map(|line| {
            if line.starts_with(".SH ") {
                ".PP\n"
            } else {
                line
            }
        })
        .collect::<String>()
        .into_bytes()
}

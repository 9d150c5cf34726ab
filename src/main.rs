//! The program `coord`.

mod cli;
mod lsp;

fn main() {
    // The reaper of tasks is this program, too: it has to stay small and single-threaded, so it
    // goes its own way before anything else is touched.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "reaper")
    {
        std::process::exit(coord_host::process::reaper_main());
    }
    std::process::exit(cli::main(lsp::serve));
}

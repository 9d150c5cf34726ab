//! The program `coord`.

mod cli;

fn main() {
    std::process::exit(cli::main());
}

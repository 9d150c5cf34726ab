//! Why a program did not start.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::kernel::Stage;
use super::spawner::SpawnSpec;

/// Why a program did not start.
#[derive(Debug, Error)]
pub enum SpawnError {
    /// Neither the path nor any folder of PATH holds it.
    #[error("program `{}` not found", program.display())]
    NotFound { program: PathBuf },
    /// The file is there, the interpreter that its first line (or its ELF header) names is not.
    #[error("the interpreter of `{}` was not found", program.display())]
    NoInterpreter { program: PathBuf },
    /// The file may not be executed.
    #[error("no permission to execute `{}`", program.display())]
    PermissionDenied { program: PathBuf },
    /// The file is neither a binary for this machine nor a script with a `#!` line.
    #[error("`{}` is not a program", program.display())]
    NotAProgram { program: PathBuf },
    /// The kernel's limit for arguments and environment together, or for one of them.
    #[error("arguments and environment of `{}` are too long", program.display())]
    TooLong { program: PathBuf },
    /// Any other refusal to execute it.
    #[error("cannot execute `{}`", program.display())]
    Refused { program: PathBuf, source: io::Error },
    /// The working directory cannot be entered.
    #[error("cannot enter the working directory `{}`", cwd.display())]
    Directory { cwd: PathBuf, source: io::Error },
    /// The request itself cannot be passed to a program.
    #[error("cannot pass {what} to a program")]
    Malformed { what: &'static str },
    /// No process, memory or descriptor was to be had; may work later.
    #[error("the machine has no room for another process")]
    Resources { source: io::Error },
    /// The reaper could not be started or reached.
    #[error("the reaper cannot be reached")]
    Reaper { source: io::Error },
    /// The shim died with the request: the program may have run, and has been killed.
    #[error("the process that should have started the program is gone")]
    Lost,
}

impl SpawnError {
    pub(super) fn from_stage(stage: Stage, errno: i32, spec: &SpawnSpec) -> Self {
        let source = io::Error::from_raw_os_error(errno);
        match stage {
            Stage::Fork => SpawnError::Resources { source },
            Stage::Directory => SpawnError::Directory {
                cwd: spec.cwd.clone(),
                source,
            },
            Stage::Execute => Self::from_execute(errno, spec),
        }
    }

    fn from_execute(errno: i32, spec: &SpawnSpec) -> Self {
        let program = spec.argv.first().map(PathBuf::from).unwrap_or_default();
        match errno {
            libc::ENOENT if is_there(&program, &spec.cwd) => SpawnError::NoInterpreter { program },
            libc::ENOENT | libc::ENOTDIR => SpawnError::NotFound { program },
            libc::EACCES | libc::EPERM => SpawnError::PermissionDenied { program },
            libc::ENOEXEC => SpawnError::NotAProgram { program },
            libc::E2BIG => SpawnError::TooLong { program },
            libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE => SpawnError::Resources {
                source: io::Error::from_raw_os_error(errno),
            },
            _ => SpawnError::Refused {
                program,
                source: io::Error::from_raw_os_error(errno),
            },
        }
    }
}

/// Only asked for a path: what PATH finds is there by definition, unless it is not.
fn is_there(program: &Path, cwd: &Path) -> bool {
    program.components().count() > 1 && cwd.join(program).exists()
}

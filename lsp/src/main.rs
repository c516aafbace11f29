//! The language server of the Mesh language: a thin shell that speaks the protocol and asks `meshc::ide`.
//!
//! Standard output belongs to the protocol; everything else is said on standard error.

mod answers;
mod capabilities;
mod commands;
mod from_proto;
mod publish;
mod reference;
mod requests;
mod server;
mod session;
mod settings;
mod to_proto;
mod wire;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tower_lsp_server::{LspService, Server};

use server::MeshServer;
use session::Shared;

const HELP: &str = "\
meshc-lsp: the language server of the Mesh language

An editor starts it and speaks with it over standard input and output. `spec/editor.md` says what it offers and how
editors are set up.

Options:
      --stdio    Speak over standard input and output, which it does anyway
  -h, --help     Print this help
  -V, --version  Print the version
";

fn main() -> ExitCode {
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--stdio" => {}
            "-h" | "--help" => return say(&mut std::io::stdout(), HELP, 0),
            "-V" | "--version" => {
                let version = concat!("meshc-lsp ", env!("CARGO_PKG_VERSION"), "\n");
                return say(&mut std::io::stdout(), version, 0);
            }
            unknown => {
                let text = format!("error: there is no option `{unknown}`; `meshc-lsp --help` lists them\n");
                return say(&mut std::io::stderr(), &text, 2);
            }
        }
    }
    serve()
}

/// So long answers that are on their way may take when the client has said its last.
const FAREWELL: Duration = Duration::from_millis(500);

fn serve() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return say(&mut std::io::stderr(), &format!("error: {error}\n"), 2),
    };
    let shared = Arc::new(Shared::new());
    let inner = Arc::clone(&shared);
    runtime.block_on(async move {
        let (service, socket) = LspService::build(|client| MeshServer::new(client, inner))
            .custom_method(wire::UNREADABLE, MeshServer::unreadable)
            .finish();
        let (input, ended) = wire::readable(tokio::io::stdin());
        let serving = Server::new(input, tokio::io::stdout(), socket).serve(service);
        // It waits for what it asked of the client, who answers nothing any more.
        let overdue = async {
            let _dropped = ended.await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            () = serving => {}
            () = overdue => {}
        }
    });
    // A read of standard input that nobody answers must not hold the process.
    runtime.shutdown_background();
    // A client that is gone without a farewell is a failure, by the protocol.
    ExitCode::from(u8::from(!shared.said_farewell()))
}

fn say(stream: &mut dyn Write, text: &str, code: u8) -> ExitCode {
    // Nobody is left to be told if the stream is closed.
    let _gone = stream.write_all(text.as_bytes());
    ExitCode::from(code)
}

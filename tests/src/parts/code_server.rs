//! VS Code as a server, for its real window in a browser.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::install;
use super::node::{self, Node};

const PACKAGE: &str = "code-server@4.139.1";

/// So long a start may take on a busy machine.
const START: Duration = Duration::from_secs(120);

/// Parts for chats, which fetch programs from elsewhere and are not asked here.
const UNUSED: [&str; 3] = ["@github", "@microsoft/mxc-sdk", "@devcontainers"];

/// Nothing that calls home, opens by itself or saves what a test types.
const SETTINGS: &str = r#"{
  "workbench.startupEditor": "none", "telemetry.telemetryLevel": "off", "update.mode": "none",
  "security.workspace.trust.enabled": false, "extensions.autoCheckUpdates": false, "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true, "git.enabled": false, "files.autoSave": "off",
  "chat.disableAIFeatures": true, "editor.minimap.enabled": false, "workbench.reduceMotion": "on",
  "workbench.secondarySideBar.defaultVisibility": "hidden"
}"#;

/// The program, ready to be started.
pub struct CodeServer {
    node: Node,
    entry: PathBuf,
}

/// A running one. It ends when this is dropped.
pub struct Window {
    process: Child,
    /// Where a browser finds it.
    pub address: String,
    /// Its data: the machine's settings, which it watches, in `user/Machine/settings.json`, the installed `extensions`,
    /// and `bin`, which is on `PATH`.
    pub data: PathBuf,
}

impl CodeServer {
    /// Starts it with an extension and settings of the machine, as JSON; its data is kept in a folder.
    pub fn start(&self, data: &Path, extension: &Path, settings: &str) -> Result<Window> {
        let user = data.join("user");
        // What names a program is a setting of the machine, which is the server and not the browser.
        for (file, text) in [
            (&user.join("User").join("settings.json"), SETTINGS),
            (&user.join("Machine").join("settings.json"), settings),
        ] {
            fs::create_dir_all(file.parent().unwrap_or(data))?;
            fs::write(file, text)?;
        }
        fs::write(data.join("none.yaml"), "")?;
        fs::create_dir_all(data.join("bin"))?;
        install::run(self.command(data)?.arg("--install-extension").arg(extension))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = self.command(data)?;
        command.args(["--auth", "none", "--bind-addr", &format!("127.0.0.1:{port}")]);
        command.args([
            "--disable-telemetry",
            "--disable-update-check",
            "--disable-workspace-trust",
            "--disable-getting-started-override",
        ]);
        command.env(
            "EXTENSIONS_GALLERY",
            r#"{"serviceUrl":"","itemUrl":"","resourceUrlTemplate":""}"#,
        );
        let log = fs::File::create(data.join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let process = command.spawn().context("cannot start code-server")?;
        let mut window = Window {
            process,
            address: format!("http://127.0.0.1:{port}"),
            data: data.to_path_buf(),
        };
        let begun = Instant::now();
        while !answers(port) {
            if let Some(status) = window.process.try_wait()? {
                bail!(
                    "code-server ended with {status}: {}",
                    fs::read_to_string(data.join("log"))?
                );
            }
            if begun.elapsed() > START {
                bail!("code-server does not answer: {}", fs::read_to_string(data.join("log"))?);
            }
            sleep(Duration::from_millis(100));
        }
        Ok(window)
    }

    fn command(&self, data: &Path) -> Result<Command> {
        let mut command = self.node.command("node");
        let path = env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(data.join("bin")).chain(env::split_paths(&path));
        command.env("PATH", env::join_paths(path)?);
        // Else it asks a login shell what is on `PATH`.
        command.env("VSCODE_CLI", "1");
        command.arg(&self.entry);
        command.arg("--config").arg(data.join("none.yaml"));
        command.arg("--user-data-dir").arg(data.join("user"));
        command.arg("--extensions-dir").arg(data.join("extensions"));
        Ok(command)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // It ends its own children when it is asked to, and not when it is killed.
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

pub(super) fn find() -> Result<Option<CodeServer>> {
    let name = PACKAGE.replace('@', "-");
    let made = install::folder().join(&name);
    if !made.is_dir() && !install::wanted() {
        return Ok(None);
    }
    let Some(node) = node::find()? else {
        return Ok(None);
    };
    let made = install::once(&name, |folder| make(&node, folder))?;
    Ok(Some(CodeServer {
        node,
        entry: made.join("node_modules/code-server/out/node/entry.js"),
    }))
}

/// Without the scripts of packages: they would compile parts that are not needed, and fetch others from elsewhere.
fn make(node: &Node, folder: &Path) -> Result<()> {
    fs::write(folder.join("package.json"), "{\"private\": true}")?;
    let install = |folder: &Path, package: Option<&str>| {
        let mut npm = node.command("npm");
        npm.args(["install", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]);
        install::run(npm.args(package).current_dir(folder)).map(drop)
    };
    install(folder, Some(PACKAGE))?;
    let inner = folder.join("node_modules/code-server/lib/vscode");
    install(&inner, None)?;
    for name in UNUSED {
        let unused = inner.join("node_modules").join(name);
        if unused.exists() {
            fs::remove_dir_all(unused)?;
        }
    }
    Ok(())
}

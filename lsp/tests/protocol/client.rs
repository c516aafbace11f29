//! A client that drives the real server over its streams.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Long enough for a busy machine; nobody waits for it unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Findings by file, as they were last published.
    pub(crate) diagnostics: BTreeMap<String, Value>,
    /// What the server asked of the client, in order.
    pub(crate) asked: Vec<Value>,
    /// What is answered to `workspace/configuration`.
    pub(crate) settings: Value,
    next: i64,
    pub(crate) folder: TempDir,
    pub(crate) capabilities: Value,
}

impl Client {
    /// A server on a project of these files, after the handshake of a client with these capabilities.
    pub(crate) fn start(files: &[(&str, &str)], capabilities: Value) -> Self {
        let mut client = Self::spawn(files);
        let root = client.uri("");
        let params = json!({
            "processId": null,
            "rootUri": root,
            "capabilities": capabilities,
            "workspaceFolders": [{ "uri": root, "name": "project" }],
        });
        let result = client.request("initialize", params);
        client.capabilities = result["capabilities"].clone();
        client.notify("initialized", json!({}));
        client
    }

    /// A server that has not been spoken to.
    pub(crate) fn spawn(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client_folder = folder.path().join("project");
        for (path, text) in files {
            write(&client_folder.join(path), text);
        }
        std::fs::create_dir_all(&client_folder).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_meshc-lsp"))
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            messages,
            diagnostics: BTreeMap::new(),
            asked: Vec::new(),
            settings: Value::Null,
            next: 0,
            folder,
            capabilities: Value::Null,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    pub(crate) fn uri(&self, name: &str) -> String {
        let path = self.path(name).to_string_lossy().replace('\\', "/");
        let path = path.trim_end_matches('/');
        format!("file://{}{path}", if path.starts_with('/') { "" } else { "/" })
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and gives its number.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        let mut message = json!({ "jsonrpc": "2.0", "id": self.next, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(&message);
        self.next
    }

    /// The whole answer to a request.
    pub(crate) fn answer(&mut self, id: i64) -> Value {
        loop {
            let message = self.receive(PATIENCE).expect("an answer");
            if message["id"] == json!(id) && message.get("method").is_none() {
                return message;
            }
        }
    }

    /// The result of a request that succeeds.
    #[track_caller]
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Takes messages in until the findings of a file are as they should be.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, name: &str, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let uri = self.uri(name);
        self.wait_for_uri(&uri, what, is_so)
    }

    #[track_caller]
    pub(crate) fn wait_for_uri(&mut self, uri: &str, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(list) = self
                .diagnostics
                .get(uri)
                .and_then(|params| params["diagnostics"].as_array())
                && is_so(list)
            {
                return list.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            if self.receive(left).is_none() {
                panic!("{uri} never had {what}: {:?}", self.diagnostics.get(uri));
            }
        }
    }

    /// The first message of a method that is as it should be; it may come before or after the answer that it goes with.
    #[track_caller]
    pub(crate) fn wait_for_message(&mut self, method: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let found = self
                .asked
                .iter()
                .find(|asked| asked["method"] == method && is_so(&asked["params"]));
            if let Some(found) = found {
                return found["params"].clone();
            }
            assert!(self.receive(PATIENCE).is_some(), "no such {method}: {:?}", self.asked);
        }
    }

    /// The names of the findings of a file, once it has these.
    #[track_caller]
    pub(crate) fn wait_for_codes(&mut self, name: &str, codes: &[&str]) -> Vec<Value> {
        self.wait_for(name, &format!("{codes:?}"), |list| {
            list.iter()
                .map(|d| d["code"].as_str().unwrap())
                .eq(codes.iter().copied())
        })
    }

    /// The next message, findings and the server's own questions taken care of.
    fn receive(&mut self, patience: Duration) -> Option<Value> {
        let message = match self.messages.recv_timeout(patience) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        };
        if message["method"] == "textDocument/publishDiagnostics" {
            let uri = message["params"]["uri"].as_str().unwrap().to_owned();
            self.diagnostics.insert(uri, message["params"].clone());
        } else if message.get("method").is_some() {
            self.asked.push(message.clone());
            if let Some(id) = message.get("id") {
                let result = match message["method"].as_str() {
                    Some("workspace/configuration") => json!([self.settings]),
                    Some("workspace/applyEdit") => json!({ "applied": true }),
                    Some("window/showDocument") => json!({ "success": true }),
                    _ => Value::Null,
                };
                let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
                self.send(&answer);
            }
        }
        Some(message)
    }

    pub(crate) fn open(&mut self, name: &str, text: &str) {
        let uri = self.uri(name);
        let document = json!({ "uri": uri, "languageId": "mesh", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub(crate) fn change(&mut self, name: &str, version: i32, changes: Value) {
        let document = json!({ "uri": self.uri(name), "version": version });
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": changes }),
        );
    }

    pub(crate) fn close(&mut self, name: &str) {
        let document = json!({ "uri": self.uri(name) });
        self.notify("textDocument/didClose", json!({ "textDocument": document }));
    }

    /// `textDocument/…` at a place.
    #[track_caller]
    pub(crate) fn at(&mut self, method: &str, name: &str, (line, character): (u32, u32), more: Value) -> Value {
        let mut params = json!({
            "textDocument": { "uri": self.uri(name) },
            "position": { "line": line, "character": character },
        });
        if let Value::Object(more) = more {
            params.as_object_mut().unwrap().extend(more);
        }
        self.request(method, params)
    }

    /// `textDocument/…` of a whole text.
    #[track_caller]
    pub(crate) fn of(&mut self, method: &str, name: &str, more: Value) -> Value {
        let mut params = json!({ "textDocument": { "uri": self.uri(name) } });
        if let Value::Object(more) = more {
            params.as_object_mut().unwrap().extend(more);
        }
        self.request(method, params)
    }

    /// Ends the server as a client should.
    pub(crate) fn finish(mut self) -> ExitStatus {
        self.request("shutdown", Value::Null);
        self.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
        self.wait()
    }

    /// Hangs up without a word.
    pub(crate) fn hang_up(mut self) -> ExitStatus {
        drop(self.input.take());
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the server does not end");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The next message of a stream; none at its end.
fn read(stream: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

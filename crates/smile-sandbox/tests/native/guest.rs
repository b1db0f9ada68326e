//! A guest for these tests: runs one shell script after the other.

use std::{
    io::{Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Stdio},
};

use crate::probe;

/// The first process: reads scripts (length, text) and answers (code, length, output).
pub(crate) fn serve(stream: OwnedFd) -> i32 {
    let mut stream = UnixStream::from(stream);
    loop {
        let Some(script) = read_block(&mut stream) else { return 0 };
        let script = String::from_utf8(script).expect("scripts are text");
        if let Some(probe) = script.strip_prefix("probe:") {
            if answer(&mut stream, 0, probe::run(probe).as_bytes()).is_err() {
                return 0;
            }
            continue;
        }
        let output = Command::new("/bin/sh")
            .args(["-c", &format!("cd; cd work; {{ {script}\n}} 2>&1")])
            .env("HOME", "/root")
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .output();
        let (code, text) = match output {
            Ok(output) => (output.status.code().unwrap_or(-1), output.stdout),
            Err(error) => (-1, error.to_string().into_bytes()),
        };
        if answer(&mut stream, code, &text).is_err() {
            return 0;
        }
    }
}

fn answer(stream: &mut UnixStream, code: i32, text: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(text.len()).expect("outputs here are short");
    let mut answer = code.to_be_bytes().to_vec();
    answer.extend(length.to_be_bytes());
    answer.extend(text);
    stream.write_all(&answer)
}

fn read_block(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut block = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut block).ok()?;
    Some(block)
}

//! Lines in, lines out: each is answered as it comes, and those that are at hand together on all cores, in memory that
//! does not grow with their number.

use std::io::{self, BufRead, BufReader, Read, Write};

use anyhow::Context as _;
use rayon::prelude::*;

/// A longer line is no request.
const MAX_LINE_BYTES: usize = 16 << 20;
/// So much is read at once.
const BLOCK_BYTES: usize = 64 << 10;
/// So much of lines is held back at most, as long as there are further ones at hand.
const HELD_BYTES: usize = 64 << 10;

/// Answers each line that is not blank. `shown` is how messages call the input. `answer` is handed what is wrong with a line instead, where it cannot be read.
///
/// What is answered is written before more input is waited for. It ends early, without an error, when nobody reads
/// what is written any more.
///
/// # Errors
/// The input cannot be read, or an answer that somebody waits for cannot be written.
pub(super) fn answer(
    (input, shown): (&mut dyn Read, &str),
    out: &mut dyn Write,
    answer: impl Fn(Result<&str, String>) -> String + Sync,
) -> anyhow::Result<()> {
    let mut input = BufReader::with_capacity(BLOCK_BYTES, input);
    let mut held: Vec<Result<String, String>> = Vec::new();
    let mut bytes = 0;
    let mut line = Vec::new();
    let mut is_first = true;
    let answer = |line: &Result<String, String>| answer(line.as_deref().map_err(Clone::clone)) + "\n";
    let answers = |held: &[Result<String, String>]| match held {
        [only] => answer(only),
        many => many.par_iter().map(answer).collect::<Vec<_>>().concat(),
    };
    while let Some(is_whole) = next(&mut input, &mut line).with_context(|| format!("cannot read `{shown}`"))? {
        let text = match std::str::from_utf8(&line) {
            _ if !is_whole => Err(format!("the line is longer than {} MiB", MAX_LINE_BYTES >> 20)),
            // Some editors mark UTF-8 at the start of a file.
            Ok(text) if is_first => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Ok(text) => Ok(text),
            Err(_) => Err("the line is not UTF-8".to_owned()),
        };
        is_first = false;
        if !text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
            bytes += line.len();
            held.push(text.map(str::to_owned));
        }
        let is_last_at_hand = !input.buffer().contains(&b'\n');
        if is_last_at_hand || bytes > HELD_BYTES {
            if !held.is_empty() && !write(out, &answers(&held))? {
                return Ok(());
            }
            held.clear();
            bytes = 0;
        }
    }
    Ok(())
}

/// Reads a line without its end, at most as much of it as a line may have; `false`: there was more. `None`: the input has
/// ended.
fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let mut is_whole = true;
    let mut has_ended = true;
    loop {
        let block = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            block => block?,
        };
        if block.is_empty() {
            return Ok((!has_ended).then_some(is_whole));
        }
        has_ended = false;
        let end = block.iter().position(|byte| *byte == b'\n');
        let part = block.get(..end.unwrap_or(block.len())).unwrap_or_default();
        if line.len() + part.len() > MAX_LINE_BYTES {
            is_whole = false;
        } else {
            line.extend_from_slice(part);
        }
        let read = part.len() + usize::from(end.is_some());
        input.consume(read);
        if end.is_some() {
            return Ok(Some(is_whole));
        }
    }
}

/// Whether there is still somebody who reads.
fn write(out: &mut dyn Write, answers: &str) -> anyhow::Result<bool> {
    match out.write_all(answers.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("the answer cannot be written"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Gives what it has in pieces.
    struct Pieces(Vec<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            let read = piece.len().min(buffer.len());
            buffer[..read].copy_from_slice(&piece[..read]);
            if read < piece.len() {
                self.0.insert(0, piece[read..].to_vec());
            }
            Ok(read)
        }
    }

    /// Counts what is written, and takes only so much.
    struct Reader(Vec<String>, usize);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() == self.1 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn run(pieces: &[&[u8]], takes: usize) -> (Vec<String>, usize) {
        let mut input = Pieces(pieces.iter().map(|piece| piece.to_vec()).collect());
        let mut out = Reader(Vec::new(), takes);
        let asked = AtomicUsize::new(0);
        answer((&mut input, "x"), &mut out, |line| {
            asked.fetch_add(1, Ordering::Relaxed);
            line.map_or_else(|error| error, |line| format!("[{line}]"))
        })
        .unwrap();
        (out.0, asked.into_inner())
    }

    #[test]
    fn what_is_at_hand_is_answered_at_once() {
        let (written, asked) = run(&[b"a\nb\n", b"c", b"d\n\n  \n", b"e"], 9);
        assert_eq!((written.concat().as_str(), asked), ("[a]\n[b]\n[cd]\n[e]\n", 4));
        assert_eq!(written, ["[a]\n[b]\n", "[cd]\n", "[e]\n"]);
    }

    #[test]
    fn it_ends_when_nobody_reads() {
        let (written, asked) = run(&[b"a\n", b"b\n", b"c\n"], 1);
        assert_eq!((written.concat().as_str(), asked), ("[a]\n", 2));
    }

    #[test]
    fn a_line_that_is_too_long_or_no_text_is_one_line() {
        let long = vec![b'x'; MAX_LINE_BYTES + 1];
        let (written, asked) = run(&[&long, b"\n\xff\na"], 9);
        assert_eq!(asked, 3);
        assert_eq!(
            written.concat(),
            "the line is longer than 16 MiB\nthe line is not UTF-8\n[a]\n"
        );
    }
}

//! An HTTP response as it arrives: its head, then its body, whole or in chunks.

/// Most bytes of a head.
const HEAD_MAX: usize = 64 << 10;
/// Header fields of a head.
const FIELDS_MAX: usize = 100;

/// A response so far.
#[derive(Debug)]
pub(super) enum Response {
    /// Not even the head is complete.
    Head(Vec<u8>),
    /// The body.
    Body { status: u16, reason: String, chunks: Option<Chunks> },
}

impl Default for Response {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

/// Where in a chunked body the next byte is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In the line before a chunk.
    Size(Vec<u8>),
    /// In a chunk of which so many bytes are left.
    Data(u64),
    /// In the line break behind a chunk.
    Break(u8),
    /// Behind the last chunk.
    Over,
}

impl Response {
    /// Takes what arrived, and gives what of it belongs to the body.
    ///
    /// # Errors
    /// When this is no HTTP.
    pub fn add(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let rest = match self {
            Self::Head(head) => {
                head.extend_from_slice(bytes);
                let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
                let mut parsed = httparse::Response::new(&mut fields);
                let len = match parsed.parse(head).map_err(|error| format!("the answer is no HTTP: {error}"))? {
                    httparse::Status::Complete(len) => len,
                    httparse::Status::Partial if head.len() > HEAD_MAX => {
                        return Err(format!("the head of the answer has more than {HEAD_MAX} bytes"));
                    }
                    httparse::Status::Partial => return Ok(Vec::new()),
                };
                let is_chunked = parsed.headers.iter().any(|field| {
                    field.name.eq_ignore_ascii_case("transfer-encoding")
                        && field.value.to_ascii_lowercase().ends_with(b"chunked")
                });
                let (status, reason) = (parsed.code.unwrap_or(0), parsed.reason.unwrap_or_default().to_owned());
                let rest = head[len..].to_vec();
                *self = Self::Body { status, reason, chunks: is_chunked.then(|| Chunks::Size(Vec::new())) };
                rest
            }
            Self::Body { .. } => bytes.to_vec(),
        };
        match self {
            Self::Body { chunks: Some(chunks), .. } => chunks.decode(&rest),
            _ => Ok(rest),
        }
    }

    /// Status and its words, once the head is there.
    pub fn status(&self) -> Option<(u16, &str)> {
        match self {
            Self::Head(_) => None,
            Self::Body { status, reason, .. } => Some((*status, reason)),
        }
    }

    /// Whether the server said that nothing follows.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Body { chunks: Some(Chunks::Over), .. })
    }
}

impl Chunks {
    fn decode(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        while let Some((&byte, rest)) = bytes.split_first() {
            match self {
                Self::Size(line) => {
                    bytes = rest;
                    line.push(byte);
                    if byte == b'\n' {
                        let size = match httparse::parse_chunk_size(line) {
                            Ok(httparse::Status::Complete((_, size))) => size,
                            _ => return Err("the length of a chunk is no number".to_owned()),
                        };
                        *self = if size == 0 { Self::Over } else { Self::Data(size) };
                    } else if line.len() > HEAD_MAX {
                        return Err("the length of a chunk never ends".to_owned());
                    }
                }
                Self::Data(left) => {
                    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    body.extend_from_slice(&bytes[..len]);
                    bytes = &bytes[len..];
                    *left -= len as u64;
                    if *left == 0 {
                        *self = Self::Break(2);
                    }
                }
                Self::Break(left) => {
                    bytes = rest;
                    *left -= 1;
                    if *left == 0 {
                        *self = Self::Size(Vec::new());
                    }
                }
                Self::Over => break,
            }
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a record that arrives in two pieces, or in two chunks, would be two records.
    #[test]
    fn a_body_is_whole_however_it_arrives() {
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n7;x=y\r\n:1}\r\n{}\r\n0\r\n\r\n";
        let plain = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{\"a\":1}\r\n{}";
        for (text, over) in [(&chunked[..], true), (&plain[..], false)] {
            for at in 0..=text.len() {
                let mut response = Response::default();
                let mut body = response.add(&text[..at]).expect("it is HTTP");
                body.extend(response.add(&text[at..]).expect("it is HTTP"));
                assert_eq!(String::from_utf8_lossy(&body), "{\"a\":1}\r\n{}", "cut at {at}");
                assert_eq!((response.status(), response.is_over()), (Some((200, "OK")), over));
            }
        }
    }

    /// Without it a server of another kind would be waited for, or fill the memory.
    #[test]
    fn what_is_no_http_is_said() {
        assert!(Response::default().add(b"SSH-2.0-x\r\n").is_err());
        let mut endless = Response::default();
        let mut refused = endless.add(b"HTTP/1.1 200 OK\r\nA: ");
        for _ in 0..=HEAD_MAX / 1024 {
            refused = refused.and_then(|_| endless.add(&[b'x'; 1024]));
        }
        assert!(refused.is_err());
        let bad = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
        assert!(Response::default().add(bad).is_err());
    }
}

//! Whether the desktop's portal can show a file dialog, on Linux and its relatives.
//!
//! rfd answers "no dialog could be shown" and "cancelled" in the same way, so it must be known before.
//! The portal is asked over D-Bus for the version of its file chooser: the bus starts the portal when
//! it does not run yet, and a portal without a file chooser refuses. What of D-Bus is needed for two
//! calls is written here by hand, after the D-Bus Specification.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the bus and the portal have for each answer.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// A longer message is not read.
const MESSAGE_MAX: usize = 1 << 20;
/// Messages that are read before the answer must have come.
const MESSAGES_MAX: usize = 64;
/// The library that rfd speaks to the bus with.
const LIBDBUS: &str = "libdbus-1.so.3";

/// Whether a file dialog of the desktop will appear when rfd asks for one.
pub fn is_reachable() -> bool {
    has_libdbus() && addresses().iter().any(|address| shows_dialogs(address, PATIENCE).unwrap_or(false))
}

/// rfd opens the library at run time, and does without a dialog when it is missing.
fn has_libdbus() -> bool {
    let fixed = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let searched = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
    let mut folders: Vec<PathBuf> = std::env::split_paths(&searched).chain(fixed).collect();
    folders.extend([Path::new("/lib").join(&triplet), Path::new("/usr/lib").join(&triplet)]);
    folders.iter().any(|folder| folder.join(LIBDBUS).exists())
}

/// Where a session bus listens.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Path(PathBuf),
    Abstract(String),
}

fn addresses() -> Vec<Address> {
    match std::env::var("DBUS_SESSION_BUS_ADDRESS") {
        Ok(addresses) if !addresses.is_empty() => parse(&addresses),
        _ => {
            let folder = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
            folder.map(|folder| Address::Path(folder.join("bus"))).into_iter().collect()
        }
    }
}

/// `unix:path=/run/user/1000/bus,guid=…;unix:abstract=…`
fn parse(addresses: &str) -> Vec<Address> {
    let one = |address: &str| {
        let keys = address.strip_prefix("unix:")?;
        keys.split(',').find_map(|pair| match pair.split_once('=')? {
            ("path", path) => Some(Address::Path(unescaped(path).into())),
            ("abstract", name) => Some(Address::Abstract(unescaped(name))),
            _ => None,
        })
    };
    addresses.split(';').filter_map(one).collect()
}

/// Addresses write most characters as `%2f`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => bytes.push(byte),
            None => return text.to_owned(),
        }
        rest = &after[2..];
    }
    bytes.extend(rest.bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn connect(address: &Address) -> io::Result<UnixStream> {
    match address {
        Address::Path(path) => UnixStream::connect(path),
        #[cfg(target_os = "linux")]
        Address::Abstract(name) => {
            use std::os::linux::net::SocketAddrExt;
            UnixStream::connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)
        }
        #[cfg(not(target_os = "linux"))]
        Address::Abstract(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Asks the portal behind this bus. An error is an answer that did not come.
fn shows_dialogs(address: &Address, patience: Duration) -> io::Result<bool> {
    let mut bus = connect(address)?;
    bus.set_read_timeout(Some(patience))?;
    bus.set_write_timeout(Some(patience))?;
    let mut answers = BufReader::new(bus.try_clone()?);
    log_in(&mut bus, &mut answers)?;
    let hello = Call {
        serial: 1,
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
        member: "Hello",
        arguments: &[],
    };
    let version = Call {
        serial: 2,
        destination: "org.freedesktop.portal.Desktop",
        path: "/org/freedesktop/portal/desktop",
        interface: "org.freedesktop.DBus.Properties",
        member: "Get",
        arguments: &["org.freedesktop.portal.FileChooser", "version"],
    };
    bus.write_all(&hello.bytes())?;
    Ok(is_return(&mut answers)? && {
        bus.write_all(&version.bytes())?;
        is_return(&mut answers)?
    })
}

/// The bus believes what the socket says about who is there.
fn log_in(bus: &mut UnixStream, answers: &mut impl BufRead) -> io::Result<()> {
    let user = std::fs::metadata("/proc/self").map(|me| me.uid()).unwrap_or_default().to_string();
    let hex: String = user.bytes().map(|byte| format!("{byte:02x}")).collect();
    bus.write_all(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
    let mut line = String::new();
    answers.take(MESSAGE_MAX as u64).read_line(&mut line)?;
    if !line.starts_with("OK") {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    bus.write_all(b"BEGIN\r\n")
}

/// A method call whose arguments are strings.
struct Call<'a> {
    serial: u32,
    destination: &'a str,
    path: &'a str,
    interface: &'a str,
    member: &'a str,
    arguments: &'a [&'a str],
}

impl Call<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        self.arguments.iter().for_each(|argument| put_string(&mut body, argument));
        let mut fields = Vec::new();
        for (code, kind, text) in
            [(1, b'o', self.path), (2, b's', self.interface), (3, b's', self.member), (6, b's', self.destination)]
        {
            pad(&mut fields, 8);
            fields.extend([code, 1, kind, 0]);
            put_string(&mut fields, text);
        }
        if !self.arguments.is_empty() {
            pad(&mut fields, 8);
            fields.extend([8, 1, b'g', 0, self.arguments.len() as u8]);
            fields.extend(self.arguments.iter().map(|_| b's'));
            fields.push(0);
        }
        let mut message = vec![b'l', METHOD_CALL, 0, 1];
        message.extend((body.len() as u32).to_le_bytes());
        message.extend(self.serial.to_le_bytes());
        message.extend((fields.len() as u32).to_le_bytes());
        message.extend(fields);
        pad(&mut message, 8);
        message.extend(body);
        message
    }
}

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;

fn pad(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn put_string(bytes: &mut Vec<u8>, text: &str) {
    pad(bytes, 4);
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.push(0);
}

/// Whether the next answer to a call is its result and no error; signals between are skipped.
fn is_return(answers: &mut impl Read) -> io::Result<bool> {
    for _ in 0..MESSAGES_MAX {
        let mut head = [0; 16];
        answers.read_exact(&mut head)?;
        let number = |at: usize| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            (if head[0] == b'B' { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }) as usize
        };
        let (body, fields) = (number(4), number(12));
        if body.max(fields) > MESSAGE_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut rest = vec![0; fields.next_multiple_of(8) + body];
        answers.read_exact(&mut rest)?;
        match head[1] {
            METHOD_RETURN => return Ok(true),
            ERROR => return Ok(false),
            _ => {}
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    /// A message without fields and body.
    fn message(kind: u8) -> Vec<u8> {
        let mut bytes = vec![b'l', kind, 0, 1];
        bytes.extend([0; 12]);
        bytes
    }

    /// A bus on a socket that answers the two calls with these kinds of messages.
    fn ask_a_bus(answers: &'static [&'static [u8]], patience: Duration) -> io::Result<bool> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let listener = UnixListener::bind(&path).unwrap();
        let bus = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let mut stream = stream;
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            assert!(line.starts_with("\0AUTH EXTERNAL "), "{line:?}");
            stream.write_all(b"OK 1234\r\n").unwrap();
            line.clear();
            lines.read_line(&mut line).unwrap();
            assert_eq!(line, "BEGIN\r\n");
            for kinds in answers {
                // One call of ours, then what this bus says to it.
                let mut head = [0; 16];
                lines.read_exact(&mut head).unwrap();
                let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap()) as usize;
                let mut rest = vec![0; number(12).next_multiple_of(8) + number(4)];
                lines.read_exact(&mut rest).unwrap();
                for kind in *kinds {
                    stream.write_all(&message(*kind)).unwrap();
                }
            }
            // Held open until the other side is done.
            let _ = lines.read(&mut [0; 1]);
        });
        let answer = shows_dialogs(&Address::Path(path), patience);
        bus.join().unwrap();
        answer
    }

    /// Without this a desktop without dialogs looks as if the user had cancelled, or a desktop with
    /// dialogs never shows its own.
    #[test]
    fn a_portal_is_there_when_it_answers() {
        const SIGNAL: u8 = 4;
        // Long where an answer comes, so that a slow machine does not matter; short where none does.
        let (long, short) = (Duration::from_secs(60), Duration::from_secs(2));
        assert!(ask_a_bus(&[&[METHOD_RETURN, SIGNAL], &[SIGNAL, METHOD_RETURN]], long).unwrap());
        assert!(!ask_a_bus(&[&[METHOD_RETURN, SIGNAL], &[ERROR]], long).unwrap(), "no file chooser");
        assert!(!ask_a_bus(&[&[ERROR]], long).unwrap());
        assert!(ask_a_bus(&[&[METHOD_RETURN], &[]], short).is_err(), "silence is not waited for without end");
        assert!(shows_dialogs(&Address::Path("no such socket".into()), PATIENCE).is_err());
    }

    /// Without this the bus of some systems is not found.
    #[test]
    fn addresses_are_read() {
        let path = |path: &str| Address::Path(path.into());
        assert_eq!(parse("unix:path=/run/user/1000/bus"), [path("/run/user/1000/bus")]);
        assert_eq!(parse("unix:path=/a%20b/bus,guid=12"), [path("/a b/bus")]);
        assert_eq!(
            parse("tcp:host=x;unix:abstract=dbus-1,guid=12;unix:path=bus"),
            [Address::Abstract("dbus-1".into()), path("bus")]
        );
        assert!(parse("autolaunch:").is_empty());
    }
}

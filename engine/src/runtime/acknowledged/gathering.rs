//! What clients of the acknowledged protocol have sent, what of it is stored, and what may be said to whom.

use crate::rdd::Line;
use crate::receiver::{Clients, Numbering};
use std::collections::{BTreeMap, BTreeSet};

/// Clients that are remembered by name: block metadata carries all of those in a block.
const CLIENTS_MAX: usize = 4096;

/// A connection of this start of the receiver.
pub(super) type ConnectionId = u64;

/// Who numbers lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Client {
    /// The same after it has connected again.
    Named(String),
    /// Known by its connection only.
    Unnamed(ConnectionId),
}

/// One receiver's clients. Lines are gathered, taken as a block, and then that block is stored or not; nothing is
/// gathered in between.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    connections: BTreeMap<ConnectionId, Client>,
    /// The last line of each client that is stored.
    stored: BTreeMap<Client, u64>,
    /// The last line of each client that is gathered.
    gathered: BTreeMap<Client, u64>,
    block: Vec<(u64, Line)>,
    duplicates: u64,
    /// Who waits for an answer.
    waiting: BTreeSet<ConnectionId>,
}

impl Gathering {
    /// Continues where block metadata ends.
    pub fn new(clients: &Clients) -> Self {
        let stored = clients.iter().map(|(name, last)| (Client::Named(name.clone()), *last)).collect();
        Self { stored, ..Self::default() }
    }

    /// A client names itself. Another connection of that name is the same client before it lost the connection: it
    /// is not heard any more, and is returned.
    ///
    /// # Errors
    /// Why the client is not taken.
    pub fn hello(&mut self, connection: ConnectionId, name: &str) -> Result<Option<ConnectionId>, String> {
        let client = Client::Named(name.to_owned());
        let named = || self.stored.keys().filter(|client| matches!(client, Client::Named(_))).count();
        if !self.stored.contains_key(&client) && named() >= CLIENTS_MAX {
            return Err(format!("{CLIENTS_MAX} clients are known by name already"));
        }
        let before = self.connections.iter().find(|(_, of)| **of == client).map(|(id, _)| *id);
        if let Some(before) = before {
            self.left(before);
        }
        self.connections.insert(connection, client);
        Ok(before)
    }

    /// A connection is no more. What it sent counts.
    pub fn left(&mut self, connection: ConnectionId) {
        self.waiting.remove(&connection);
        self.connections.remove(&connection);
    }

    /// A line arrived. One that its client has numbered lower than another is there already.
    pub fn line(&mut self, connection: ConnectionId, number: u64, text: Line) {
        let client = self.connections.entry(connection).or_insert(Client::Unnamed(connection));
        let last = self.gathered.get(client).or_else(|| self.stored.get(client));
        let is_new = last.is_none_or(|last| number > *last);
        self.waiting.insert(connection);
        if is_new {
            self.gathered.insert(client.clone(), number);
            self.block.push((number, text));
        } else {
            self.duplicates += 1;
        }
    }

    /// Lines in the block.
    pub fn len(&self) -> usize {
        self.block.len()
    }

    /// The lines, to be stored as one block.
    pub fn take(&mut self) -> (Vec<(u64, Line)>, Numbering) {
        let block = std::mem::take(&mut self.block);
        if block.is_empty() {
            return (block, Numbering::default());
        }
        let named = self.gathered.iter().filter_map(|(client, last)| match client {
            Client::Named(name) => Some((name.clone(), *last)),
            Client::Unnamed(_) => None,
        });
        (block, Numbering { clients: named.collect(), duplicates: std::mem::take(&mut self.duplicates) })
    }

    /// The block is stored, or there was none. Returns what may be acknowledged to whom.
    pub fn stored(&mut self) -> Vec<(ConnectionId, u64)> {
        self.stored.append(&mut self.gathered);
        let answers: Vec<(ConnectionId, u64)> =
            self.waiting.iter().filter_map(|id| Some((*id, *self.stored.get(self.connections.get(id)?)?))).collect();
        self.waiting.clear();
        let living: BTreeSet<ConnectionId> = self.connections.keys().copied().collect();
        self.stored.retain(|client, _| !matches!(client, Client::Unnamed(id) if !living.contains(id)));
        answers
    }

    /// The block is not stored. Returns the connections that must send its lines again: what follows on them must
    /// not be taken, or an acknowledgement of it would cover what is lost.
    pub fn refused(&mut self) -> Vec<ConnectionId> {
        let gathered = std::mem::take(&mut self.gathered);
        // Also one whose lines were all sent before on a connection that is gone: they are lost with the block.
        let loses = |id: &ConnectionId| self.connections.get(id).is_some_and(|client| gathered.contains_key(client));
        let lost: Vec<ConnectionId> = std::mem::take(&mut self.waiting).into_iter().filter(loses).collect();
        for id in &lost {
            self.left(*id);
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(gathering: &mut Gathering, connection: ConnectionId, numbers: &[u64]) {
        numbers.iter().for_each(|n| gathering.line(connection, *n, Line::from(format!("line {n}"))));
    }

    fn taken(gathering: &mut Gathering) -> (Vec<u64>, Numbering) {
        let (block, numbering) = gathering.take();
        (block.into_iter().map(|(number, _)| number).collect(), numbering)
    }

    fn numbering(clients: &[(&str, u64)], duplicates: u64) -> Numbering {
        Numbering { clients: clients.iter().map(|(name, last)| ((*name).to_owned(), *last)).collect(), duplicates }
    }

    /// Without it a line would be acknowledged before it is stored, or one that comes again be stored twice.
    #[test]
    fn lines_that_come_again_are_acknowledged_and_dropped() {
        let mut gathering = Gathering::new(&[("a".to_owned(), 4)].into());
        assert_eq!(gathering.hello(1, "a"), Ok(None));
        lines(&mut gathering, 1, &[3, 4, 5, 6, 5]);
        assert_eq!(taken(&mut gathering), (vec![5, 6], numbering(&[("a", 6)], 3)));
        assert_eq!(gathering.stored(), [(1, 6)]);
        // Only lines that came before: there is nothing to store, and an answer at once.
        lines(&mut gathering, 1, &[2]);
        assert_eq!(taken(&mut gathering), (vec![], Numbering::default()));
        assert_eq!(gathering.stored(), [(1, 6)], "an acknowledgement covers everything up to it");
        lines(&mut gathering, 1, &[7]);
        assert_eq!(taken(&mut gathering), (vec![7], numbering(&[("a", 7)], 1)), "dropped since the block before");
    }

    /// Without it a client that connected again would be another one, and its lines would be stored twice.
    #[test]
    fn a_name_is_the_same_client_on_another_connection() {
        let mut gathering = Gathering::default();
        assert_eq!(gathering.hello(1, "a"), Ok(None));
        lines(&mut gathering, 1, &[1, 2]);
        assert_eq!(gathering.hello(2, "a"), Ok(Some(1)), "the connection before it is closed");
        lines(&mut gathering, 2, &[1, 2, 3]);
        assert_eq!(taken(&mut gathering).0, [1, 2, 3]);
        assert_eq!(gathering.stored(), [(2, 3)], "nobody else waits for an answer");
        // Without a name each connection is a client of its own, and nothing of it is remembered.
        lines(&mut gathering, 3, &[1]);
        lines(&mut gathering, 4, &[1]);
        assert_eq!(taken(&mut gathering), (vec![1, 1], Numbering::default()));
        assert_eq!(gathering.stored(), [(3, 1), (4, 1)]);
        gathering.left(3);
        gathering.left(4);
        gathering.stored();
        assert_eq!(gathering.stored.len(), 1);
    }

    /// Without it a client that connects again while its block is being gathered would hear nothing of its refusal,
    /// and an acknowledgement of its next line would cover lines that are lost.
    #[test]
    fn a_refusal_reaches_the_connection_that_came_after_the_lines() {
        let mut gathering = Gathering::default();
        assert_eq!(gathering.hello(1, "a"), Ok(None));
        lines(&mut gathering, 1, &[1, 2]);
        assert_eq!(gathering.hello(2, "a"), Ok(Some(1)));
        lines(&mut gathering, 2, &[1, 2]);
        assert_eq!(taken(&mut gathering), (vec![1, 2], numbering(&[("a", 2)], 2)));
        assert_eq!(gathering.refused(), [2]);
    }

    /// Without it an acknowledgement of a later line would cover lines of a block that was not stored.
    #[test]
    fn a_block_that_is_not_stored_is_sent_again_from_its_beginning() {
        let mut gathering = Gathering::default();
        assert_eq!((gathering.hello(1, "a"), gathering.hello(2, "b")), (Ok(None), Ok(None)));
        lines(&mut gathering, 2, &[9]);
        assert_eq!(taken(&mut gathering).0, [9]);
        assert_eq!(gathering.stored(), [(2, 9)]);
        lines(&mut gathering, 1, &[1, 2]);
        lines(&mut gathering, 2, &[9]);
        assert_eq!(taken(&mut gathering).0, [1, 2]);
        assert_eq!(gathering.refused(), [1], "the other one lost nothing");
        assert_eq!(gathering.hello(3, "a"), Ok(None));
        lines(&mut gathering, 3, &[1, 2]);
        assert_eq!(taken(&mut gathering), (vec![1, 2], numbering(&[("a", 2)], 0)));
        assert_eq!(gathering.stored(), [(3, 2)]);
    }
}

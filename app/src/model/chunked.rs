//! A list that shares what did not change with its clones, and is small when it is short.
//!
//! `imbl::Vector` holds 64 elements from the first one on. A model keeps a list per RDD and per shuffle,
//! each of a few elements, and a new version of each for every snapshot: that room was most of the
//! memory of a long run.

use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// Elements that are copied together when one of them changes.
const CHUNK: usize = 16;

type Chunk<T> = Arc<Vec<T>>;

/// A list in chunks; all but the last are full.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunked<T> {
    chunks: Vec<Chunk<T>>,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

/// The elements in order.
pub type Iter<'a, T> = std::iter::FlatMap<
    std::slice::Iter<'a, Chunk<T>>,
    std::slice::Iter<'a, T>,
    fn(&'a Chunk<T>) -> std::slice::Iter<'a, T>,
>;

impl<T> Chunked<T> {
    /// How many elements.
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The element at an index.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    /// The elements in order.
    pub fn iter(&self) -> Iter<'_, T> {
        let elements: fn(&Chunk<T>) -> std::slice::Iter<'_, T> = |chunk| chunk.iter();
        self.chunks.iter().flat_map(elements)
    }
}

impl<T: Clone> Chunked<T> {
    /// The element at an index, to change.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        Arc::make_mut(self.chunks.get_mut(index / CHUNK)?).get_mut(index % CHUNK)
    }

    /// The elements in order, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.chunks.iter_mut().flat_map(|chunk| Arc::make_mut(chunk).iter_mut())
    }

    /// Adds an element at the end.
    pub fn push_back(&mut self, element: T) {
        match self.chunks.last_mut().filter(|last| last.len() < CHUNK) {
            Some(last) => Arc::make_mut(last).push(element),
            None => self.chunks.push(Arc::new(vec![element])),
        }
    }
}

impl<T: Clone> FromIterator<T> for Chunked<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut list = Self::default();
        elements.into_iter().for_each(|element| list.push_back(element));
        list
    }
}

impl<'a, T> IntoIterator for &'a Chunked<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> Index<usize> for Chunked<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.chunks[index / CHUNK][index % CHUNK]
    }
}

impl<T: Clone> IndexMut<usize> for Chunked<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut Arc::make_mut(&mut self.chunks[index / CHUNK])[index % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A partition would show the facts of another one, or a snapshot would change with the present.
    #[test]
    fn it_is_a_list_whose_clones_stay() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 3] {
            let mut list: Chunked<usize> = (0..len).collect();
            assert_eq!(list.len(), len);
            assert_eq!(list.is_empty(), len == 0);
            assert!(list.iter().copied().eq(0..len));
            assert!((&list).into_iter().rev().copied().eq((0..len).rev()));
            assert_eq!(list.get(len), None);
            assert_eq!(list.get_mut(len), None);
            let before = list.clone();
            for index in 0..len {
                list[index] += 1;
                assert_eq!((list[index], before[index]), (index + 1, index));
            }
            list.iter_mut().for_each(|element| *element -= 1);
            assert_eq!(list, before);
            list.push_back(7);
            assert_eq!((list.len(), before.len()), (len + 1, len));
            assert_eq!(list[len], 7);
        }
    }
}

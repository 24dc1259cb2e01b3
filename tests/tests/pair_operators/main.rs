//! Operations by key: what they give, what they are made of, and what a loss costs them.

mod results;
mod rollback;
mod shapes;

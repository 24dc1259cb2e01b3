use super::*;
use std::sync::Arc;

/// Panels ask for the scene every frame; only a changed model or filter may cost a build.
#[test]
fn the_scene_is_built_once_per_revision_and_filter() {
    let (mut p, rdds) = Program::word_count_batches(3);
    let mut cache = SceneCache::default();
    let some = Filter::batches(BatchId(2)..=BatchId(3));
    let first = cache.get(&p.model, &Filter::default());
    assert!(Arc::ptr_eq(&first, &cache.get(&p.model, &Filter::default())));
    assert_eq!(cache.get(&p.model, &some).columns.len(), 2);
    p.keep_in_memory(rdds[2][5], 0..1);
    let later = cache.get(&p.model, &Filter::default());
    assert_ne!(first.nodes, later.nodes);
    assert_eq!(*later, build(&p.model, &Filter::default()));
}

/// Positions of one program must not leak into the next one opened in the same window.
#[test]
fn another_application_starts_afresh() {
    let mut cache = SceneCache::default();
    let mut first = Program::default();
    for i in 0..4 {
        first.rdd(&format!("op{i}"), 0, 2, &[]);
    }
    cache.get(&first.model, &Filter::default());
    let mut second = Program::default();
    second.model.application.id = "app-2".into();
    second.rdd("op3", 0, 2, &[]);
    assert_eq!(*cache.get(&second.model, &Filter::default()), build(&second.model, &Filter::default()));
}

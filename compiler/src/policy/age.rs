//! Which objects are older: Istio sorts by the second of creation, then by name and namespace.

use super::Meta;

/// What sorts an object, if its age is known.
fn key(meta: &Meta) -> Option<(i64, &str, Option<&str>)> {
    Some((meta.created?, meta.name.as_str(), meta.namespace.as_deref()))
}

/// Keeps the objects that may be the oldest: the oldest of those whose age is known, and each whose age is not. One that
/// stands alone is the oldest.
pub(crate) fn keep_oldest<T>(objects: &mut Vec<T>, meta: impl for<'t> Fn(&'t T) -> &'t Meta) {
    let known = objects.iter().enumerate();
    let first = known
        .filter_map(|(at, object)| Some((key(meta(object))?, at)))
        .min()
        .map(|(_, at)| at);
    let mut at = 0;
    objects.retain(|object| {
        let keep = meta(object).created.is_none() || Some(at) == first;
        at += 1;
        keep
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::StringMap;
    use crate::source::Span;

    fn kept(objects: &[(&str, Option<i64>)]) -> String {
        let meta = |(name, created): &(&str, Option<i64>)| Meta {
            name: (*name).to_owned(),
            namespace: None,
            labels: StringMap::new(),
            annotations: StringMap::new(),
            created: *created,
            origin: Span::default(),
        };
        let mut objects: Vec<Meta> = objects.iter().map(meta).collect();
        keep_oldest(&mut objects, |meta| meta);
        objects.into_iter().map(|meta| meta.name).collect()
    }

    #[test]
    fn the_oldest_are_kept() {
        assert_eq!(kept(&[]), "");
        assert_eq!(kept(&[("b", Some(2)), ("a", Some(3)), ("c", Some(2))]), "b");
        assert_eq!(kept(&[("a", None), ("b", Some(1)), ("c", None), ("d", Some(0))]), "acd");
        assert_eq!(kept(&[("a", None)]), "a");
    }
}

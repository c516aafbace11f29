//! Covers, against every point of small universes: what is covered, by which boxes, and what is free.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Dice, holds};
use crate::analysis::cover::{Boxes, Cover, Pool};
use crate::analysis::cube::{Cube, Literal};
use crate::analysis::sets::{Atom, Set};
use crate::analysis::space::Space;
use crate::policy::Target;
use crate::policy::effective::rules::{CompiledRule, Matcher, Test};
use crate::policy::effective::strings::StringMatch;
use crate::source::Span;

/// So many sets of boxes are made.
const SETS: usize = 4_000;

/// A space of ports, methods and hosts, of which a request has one, and of a header, of which it has any number.
fn space() -> Arc<Space> {
    let text = |text: &str| StringMatch::Exact(text.to_owned());
    let matchers = vec![
        Matcher::Port(1),
        Matcher::Port(3),
        Matcher::Method(text("GET")),
        Matcher::Method(text("PUT")),
        Matcher::Sni(text("a")),
        Matcher::Header("x".to_owned(), text("a")),
        Matcher::Header("x".to_owned(), text("b")),
        Matcher::Header("y".to_owned(), text("a")),
    ];
    let test = Test {
        positive: matchers,
        negative: Vec::new(),
    };
    let rule = CompiledRule {
        index: 0,
        origin: Span::default(),
        clauses: vec![vec![vec![test]]],
    };
    Arc::new(Space::new([rule].iter(), &[], Target::NEWEST))
}

/// All points: one atom of some dimensions, and any number of the others.
fn points(space: &Space) -> Vec<Vec<Vec<Atom>>> {
    let mut points = vec![Vec::new()];
    for dimension in space.dimensions() {
        let choices: Vec<Vec<Atom>> = if dimension.many {
            (0..1_u32 << dimension.size)
                .map(|bits| (0..dimension.size).filter(|atom| bits >> atom & 1 == 1).collect())
                .collect()
        } else {
            (0..dimension.size).map(|atom| vec![atom]).collect()
        };
        points = points
            .iter()
            .flat_map(|point: &Vec<Vec<Atom>>| {
                choices
                    .iter()
                    .map(|choice| point.iter().cloned().chain([choice.clone()]).collect())
            })
            .collect();
    }
    points
}

fn cube(dice: &mut Dice, space: &Space, asks: usize) -> Cube {
    loop {
        let mut cube = Ok(Cube::default());
        for (dim, dimension) in space.dimensions().iter().enumerate() {
            for _ in 0..1 + usize::from(dimension.many) {
                if dice.below(asks) > 0 {
                    continue;
                }
                let set = Set::from_atoms((0..dimension.size).filter(|_| dice.below(2) == 0));
                let literal = match (dimension.many, dice.below(2)) {
                    (false, _) => Literal::In(set.into()),
                    (true, 0) => Literal::need(set.into()),
                    (true, _) => Literal::forbid(set.into()),
                };
                cube = cube.and_then(|cube| cube.and(&Cube::of(dim, literal, dimension.size)?));
            }
        }
        if let Ok(cube) = cube {
            return cube;
        }
    }
}

#[test]
fn covers_are_what_points_say() {
    let space = space();
    let points = points(&space);
    let mut dice = Dice::new(7);
    let (mut covered, mut by_many, mut free) = (0, 0, 0);
    for round in 0..SETS {
        let target = cube(&mut dice, &space, 3);
        let count = dice.below(if round % 50 == 0 { 40 } else { 8 });
        let asks = 2 + dice.below(3);
        let cubes: Vec<Cube> = (0..count).map(|_| cube(&mut dice, &space, asks)).collect();
        let owned = cubes.iter().cloned().zip(0..).collect();
        let boxes = Boxes::new(Arc::clone(&space), owned);
        let taken = |owner| owner % 5 != 4;
        let others: Vec<&Cube> = cubes
            .iter()
            .zip(0..)
            .filter(|(_, at)| taken(*at))
            .map(|(cube, _)| cube)
            .collect();
        let inside = |point: &Vec<Vec<Atom>>, cube: &Cube| holds(&space, cube, point);
        let outside = points
            .iter()
            .find(|point| inside(point, &target) && !others.iter().any(|cube| inside(point, cube)));
        // Every second question goes to the solver, where the others are searched.
        let mut pool = if round % 2 == 0 {
            Pool::default()
        } else {
            Pool::of_the_solver()
        };
        match boxes.cover(&target, &taken, &mut pool) {
            Cover::By(core) => {
                assert!(outside.is_none(), "{target:#?} {others:#?} {outside:?}");
                let cores: BTreeSet<u32> = core.iter().map(|id| boxes.owner(*id).unwrap()).collect();
                let core: Vec<&Cube> = core.iter().map(|id| boxes.cube(*id).unwrap()).collect();
                let mut own = points.iter().filter(|point| inside(point, &target));
                assert!(
                    own.all(|point| core.iter().any(|cube| inside(point, cube))),
                    "{target:#?} {core:#?}"
                );
                assert_least(&boxes, &target, &cores, &points, &space);
                covered += 1;
                by_many += usize::from(core.len() > 1);
            }
            Cover::Free(part) => {
                free += 1;
                let mut own = points.iter().filter(|point| inside(point, &part)).peekable();
                assert!(own.peek().is_some(), "{target:#?} {part:#?}");
                let good =
                    |point: &Vec<Vec<Atom>>| inside(point, &target) && !others.iter().any(|cube| inside(point, cube));
                assert!(own.all(good), "{target:#?} {others:#?} {part:#?}");
            }
            Cover::Undecided => panic!("{target:#?} {others:#?}"),
        }
    }
    assert!(
        covered > SETS / 20 && by_many > SETS / 100 && free > SETS / 4,
        "{covered} {by_many} {free}"
    );
}

/// Without any of the owners that are left the box is not held.
fn assert_least(boxes: &Boxes, target: &Cube, core: &BTreeSet<u32>, points: &[Vec<Vec<Atom>>], space: &Space) {
    let (least, sure) = boxes.least(std::slice::from_ref(target), core, &mut Pool::default());
    assert!(sure && least.is_subset(core));
    let is_held = |owners: &BTreeSet<u32>| {
        let cubes: Vec<&Cube> = owners.iter().map(|owner| boxes.cube(*owner).unwrap()).collect();
        let mut own = points.iter().filter(|point| holds(space, target, point));
        own.all(|point| cubes.iter().any(|cube| holds(space, cube, point)))
    };
    assert!(is_held(&least), "{target:#?} {least:?}");
    for owner in &least {
        let mut others = least.clone();
        others.remove(owner);
        assert!(!is_held(&others), "{target:#?} {least:?} without {owner}");
    }
}

#[test]
fn boxes_meet_and_hold_what_points_say() {
    let space = space();
    let points = points(&space);
    let mut dice = Dice::new(8);
    for _ in 0..2_000 {
        let (a, b) = (cube(&mut dice, &space, 2), cube(&mut dice, &space, 3));
        let inside = |point: &&Vec<Vec<Atom>>, cube: &Cube| holds(&space, cube, point);
        let both: Vec<_> = points
            .iter()
            .filter(|point| inside(point, &a) && inside(point, &b))
            .collect();
        assert_eq!(a.meets(&b), !both.is_empty(), "{a:#?} {b:#?}");
        match a.and(&b) {
            Ok(cube) => assert!(
                points
                    .iter()
                    .all(|point| inside(&point, &cube) == both.contains(&point))
            ),
            Err(_) => assert!(both.is_empty()),
        }
        let within = points
            .iter()
            .filter(|point| inside(point, &a))
            .all(|point| inside(&point, &b));
        assert_eq!(a.is_within(&b), within, "{a:#?} {b:#?}");
    }
}

//! Areas: the map cut into cells, so that what happens is told to the neighbourhood, and to nobody else.
//!
//! The cells are those of [H3](https://h3geo.org), in two sizes. A small circle is covered by fine cells and a large one by wide
//! cells, so that the number of cells is bounded whatever the circle. A cover is generous: what lies in the circle lies in
//! one of its cells, and what lies in one of its cells is near.

use std::collections::BTreeSet;

use h3o::{CellIndex, LatLng, Resolution};

use crate::geo::{Circle, KM_PER_DEGREE, Point};

/// The radius, in kilometres, up to which a circle is covered by fine cells.
pub const FINE_RADIUS_KM: f64 = 5.0;

/// Beyond these degrees north or south nothing is cut into cells: [`Circle::contains`] takes circles for flat, and there they
/// are not.
const MAX_LATITUDE: f64 = 80.0;

/// For distances that are measured on a sphere, of cells that were cut on an icosahedron.
const MARGIN: f64 = 1.01;

/// How large cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// About five square kilometres: H3's resolution 7.
    Fine,
    /// About 250 square kilometres, 49 fine cells: H3's resolution 5.
    Wide,
}

impl Grain {
    const fn resolution(self) -> Resolution {
        match self {
            Self::Fine => Resolution::Seven,
            Self::Wide => Resolution::Five,
        }
    }
}

/// The cell of `point` by its number, in H3's way: never 0, and below 2^63. 0 for what is no point.
#[must_use]
pub fn cell(point: Point, grain: Grain) -> u64 {
    cell_at(point, grain).map_or(0, u64::from)
}

fn cell_at(point: Point, grain: Grain) -> Option<CellIndex> {
    LatLng::new(point.latitude, point.longitude).ok().map(|at| at.to_cell(grain.resolution()))
}

/// The cells that a circle lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// How large they are.
    pub grain: Grain,
    /// Their numbers, in order; at least one, and at most [`Cover::MAX_CELLS`].
    pub cells: Vec<u64>,
}

impl Cover {
    /// The most cells of a cover, wherever on earth the circle is.
    pub const MAX_CELLS: usize = 100;

    /// The cells that may have a point for which [`Circle::contains`] is true. `None` near the poles, where there are none.
    #[must_use]
    pub fn of(circle: &Circle) -> Option<Self> {
        if circle.centre.latitude.abs() > MAX_LATITUDE {
            return None;
        }
        let grain = if circle.radius_km <= FINE_RADIUS_KM { Grain::Fine } else { Grain::Wide };
        let reach_m = reach_m(circle);
        let first = cell_at(circle.centre, grain)?;
        let touches = |cell: CellIndex| {
            let away_m = centre(cell).distance_m(circle.centre);
            // where a cell ends is a matter of its corners, and asked of those alone that are cut by the edge or lie beyond it
            away_m <= reach_m || away_m <= reach_m + radius_m(cell)
        };
        let (mut cells, mut known, mut edge) = (BTreeSet::from([first]), BTreeSet::from([first]), vec![first]);
        // the cells that touch the circle hang together: from one to the next all of them are found
        while let Some(cell) = edge.pop() {
            for neighbour in cell.grid_disk::<Vec<_>>(1) {
                // each is the neighbour of six
                if known.insert(neighbour) && touches(neighbour) {
                    cells.insert(neighbour);
                    edge.push(neighbour);
                }
            }
        }
        Some(Self { grain, cells: cells.into_iter().map(u64::from).collect() })
    }
}

/// How far from its centre, in metres, a point of `circle` may be: flat as it is taken for, it is longer where a degree of
/// longitude is.
fn reach_m(circle: &Circle) -> f64 {
    let nearest_to_the_equator = (circle.centre.latitude.abs() - circle.radius_km / KM_PER_DEGREE).max(0.0);
    let stretch = nearest_to_the_equator.to_radians().cos() / circle.centre.latitude.to_radians().cos();
    circle.radius_km * 1_000.0 * stretch.max(1.0) * MARGIN
}

fn centre(cell: CellIndex) -> Point {
    point(LatLng::from(cell))
}

fn point(at: LatLng) -> Point {
    Point { latitude: at.lat(), longitude: at.lng() }
}

/// From the cell's centre to its farthest corner, in metres.
fn radius_m(cell: CellIndex) -> f64 {
    let centre = centre(cell);
    cell.boundary().iter().map(|corner| centre.distance_m(point(*corner))).fold(0.0, f64::max) * MARGIN
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points all over the earth, between the circles where nothing is cut: a spiral.
    fn everywhere() -> impl Iterator<Item = Point> {
        let spiral = (0..48_u32).map(|step| {
            let turn = f64::from(step) * 137.507_764;
            Point { latitude: -79.9 + 159.8 * f64::from(step) / 48.0, longitude: turn.rem_euclid(360.0) - 180.0 }
        });
        // and both sides of the antimeridian
        spiral.chain([-179.99, 179.99].map(|longitude| Point { latitude: -16.8, longitude }))
    }

    #[test]
    fn a_cell_is_the_one_that_h3_says() {
        // from H3's own documentation
        let point = Point::new(37.769_377, -122.388_519).unwrap();
        assert_eq!(format!("{:x}", cell(point, Grain::Fine)), "87283082effffff");
        assert_eq!(
            cell(point, Grain::Wide),
            u64::from(CellIndex::try_from(cell(point, Grain::Fine)).unwrap().parent(Resolution::Five).unwrap())
        );
        assert!(i64::try_from(cell(point, Grain::Fine)).is_ok(), "a database can keep it");
    }

    /// A longitude between -180 and 180.
    fn wrapped(longitude: f64) -> f64 {
        (longitude + 540.0).rem_euclid(360.0) - 180.0
    }

    #[test]
    fn whatever_lies_in_a_circle_lies_in_its_cover_anywhere_on_earth() {
        for centre in everywhere() {
            for radius_km in [0.01, 1.0, 5.0, 5.01, 20.0, Circle::MAX_RADIUS_KM] {
                let circle = Circle::new(centre, radius_km).unwrap();
                let cover = Cover::of(&circle).unwrap();
                for step in 0..72 {
                    let (angle, share) = (f64::from(step) * 5.0_f64.to_radians(), f64::from(step % 4 + 1) / 4.0 * 0.999_999);
                    let point = Point {
                        latitude: centre.latitude + angle.sin() * share * radius_km / KM_PER_DEGREE,
                        longitude: wrapped(centre.longitude + angle.cos() * share * radius_km / circle.km_per_degree_east()),
                    };
                    if circle.contains(point) {
                        assert!(cover.cells.contains(&cell(point, cover.grain)), "{point:?} of {circle:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_cover_is_bounded_and_has_nothing_that_is_far_away() {
        for centre in everywhere() {
            for radius_km in [0.01, 2.0, 5.0, 5.01, 20.0, Circle::MAX_RADIUS_KM] {
                let circle = Circle::new(centre, radius_km).unwrap();
                let cover = Cover::of(&circle).unwrap();
                assert!((1..=Cover::MAX_CELLS).contains(&cover.cells.len()), "{} for {circle:?}", cover.cells.len());
                assert!(cover.cells.is_sorted());
                for cell in &cover.cells {
                    let cell = CellIndex::try_from(*cell).unwrap();
                    let away = super::centre(cell).distance_m(centre);
                    assert!(away <= reach_m(&circle) + radius_m(cell).max(2_000.0), "{away} m for {circle:?}");
                }
            }
        }
        let small = Circle::new(Point::new(12.97, 77.59).unwrap(), 1.0).unwrap();
        assert!(Cover::of(&small).unwrap().cells.len() <= 7, "a circle of a kilometre");
    }

    #[test]
    fn a_circle_near_a_pole_has_no_cover() {
        let circle = |latitude| Circle::new(Point::new(latitude, 0.0).unwrap(), 5.0).unwrap();
        assert!(Cover::of(&circle(80.0)).is_some() && Cover::of(&circle(-80.0)).is_some());
        assert_eq!((Cover::of(&circle(80.1)), Cover::of(&circle(-90.0))), (None, None));
    }
}

//! Points on the earth and the distances between them.

/// A position in degrees, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Point {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
}

/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// One degree of latitude is about 111.2 km, so a hundredth is about one.
const AREA_DEGREES: f64 = 0.01;

/// Of the grid that points are rounded to.
const STEPS_PER_DEGREE: f64 = 1_000.0;

impl Point {
    /// A point, when both numbers are finite and in range.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        ((-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude)).then_some(Self { latitude, longitude })
    }

    /// Metres to `other` along a great circle, by the haversine formula (within 0.5 % of the ellipsoid).
    #[must_use]
    pub fn distance_m(self, other: Self) -> f64 {
        let (lat1, lat2) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_lat = (lat2 - lat1) / 2.0;
        let half_lon = (other.longitude - self.longitude).to_radians() / 2.0;
        let h = half_lat.sin().powi(2) + lat1.cos() * lat2.cos() * half_lon.sin().powi(2);
        2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
    }

    /// The nearest point of a grid of a thousandth of a degree, which is within 80 metres: whoever asks from about here asks the
    /// same.
    #[must_use]
    pub fn rounded(self) -> Self {
        // dividing gives the number that is nearest to the decimal one, which clients write
        let round = |degrees: f64| (degrees * STEPS_PER_DEGREE).round() / STEPS_PER_DEGREE;
        Self { latitude: round(self.latitude), longitude: round(self.longitude) }
    }

    /// The corner of the cell of about a kilometre that the point lies in: enough to judge a trip, too coarse to find a door.
    #[must_use]
    pub fn area(self) -> Self {
        let round = |degrees: f64| ((degrees / AREA_DEGREES).round() * AREA_DEGREES * 100.0).round() / 100.0;
        Self { latitude: round(self.latitude), longitude: round(self.longitude) }
    }
}

/// A circle on the map, small enough to be flat.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Circle {
    /// Its centre.
    pub centre: Point,
    /// Its radius in kilometres.
    pub radius_km: f64,
}

/// Kilometres in one degree of latitude, on the sphere that [`Point::distance_m`] uses.
pub const KM_PER_DEGREE: f64 = EARTH_RADIUS_M * std::f64::consts::PI / 180.0 / 1_000.0;

impl Circle {
    /// The largest radius, in kilometres. Up to here the flat formula is within a percent of the round one, outside the
    /// polar circles.
    pub const MAX_RADIUS_KM: f64 = 50.0;

    /// A circle, when the radius is above zero and at most [`Circle::MAX_RADIUS_KM`].
    #[must_use]
    pub fn new(centre: Point, radius_km: f64) -> Option<Self> {
        (radius_km > 0.0 && radius_km <= Self::MAX_RADIUS_KM).then_some(Self { centre, radius_km })
    }

    /// Kilometres in one degree of longitude at the centre.
    #[must_use]
    pub fn km_per_degree_east(&self) -> f64 {
        KM_PER_DEGREE * self.centre.latitude.to_radians().cos()
    }

    /// Whether it lies on both sides of the antimeridian, where longitudes do not tell how far two points are from each other.
    #[must_use]
    pub fn crosses_antimeridian(&self) -> bool {
        self.centre.longitude.abs() + self.radius_km / self.km_per_degree_east() > 180.0
    }

    /// Whether `point` lies inside, by the formula that the database uses too: a list and a feed agree on every order.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        let north = (point.latitude - self.centre.latitude) * KM_PER_DEGREE;
        let east = degrees_between(point.longitude, self.centre.longitude) * self.km_per_degree_east();
        north * north + east * east <= self.radius_km * self.radius_km
    }
}

/// Degrees from one longitude to another, the shorter way round.
fn degrees_between(one: f64, other: f64) -> f64 {
    let degrees = (one - other).abs();
    if degrees > 180.0 { 360.0 - degrees } else { degrees }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_agree_with_known_ones() {
        let paris = Point::new(48.8566, 2.3522).unwrap();
        let london = Point::new(51.5074, -0.1278).unwrap();
        assert!((paris.distance_m(london) - 343_556.0).abs() < 500.0);
        assert!(paris.distance_m(paris).abs() < f64::EPSILON);
        let (west, east) = (Point::new(0.0, 179.99).unwrap(), Point::new(0.0, -179.99).unwrap());
        assert!(west.distance_m(east) < 3_000.0, "the antimeridian is no wall");
    }

    #[test]
    fn a_circle_goes_round_the_earth() {
        let circle = Circle::new(Point::new(-16.8, 179.99).unwrap(), 5.0).unwrap();
        assert!(circle.crosses_antimeridian());
        assert!(circle.contains(Point::new(-16.8, -179.99).unwrap()), "two kilometres to the east");
        assert!(!circle.contains(Point::new(-16.8, -179.9).unwrap()) && !circle.contains(Point::new(-16.8, 0.0).unwrap()));
        assert!(!Circle::new(Point::new(12.97, 77.59).unwrap(), 50.0).unwrap().crosses_antimeridian());
    }

    #[test]
    fn points_out_of_range_are_none() {
        for (lat, lon) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(Point::new(lat, lon).is_none());
        }
    }

    #[test]
    fn whoever_asks_from_about_here_asks_from_the_same_point() {
        let here = Point::new(12.971_599, 77.594_566).unwrap();
        let there = Point::new(12.972_4, 77.595_4).unwrap();
        assert_eq!(here.rounded(), Point { latitude: 12.972, longitude: 77.595 });
        assert_eq!(here.rounded(), there.rounded());
        assert_eq!(here.rounded().rounded(), here.rounded());
        for step in 0..1_000 {
            let point = Point::new(0.123_4 * f64::from(step) - 60.0, 0.345_6 * f64::from(step) - 172.8).unwrap();
            assert!(point.distance_m(point.rounded()) < 80.0, "{point:?}");
        }
        let edge = Point::new(-90.0, 179.999_9).unwrap().rounded();
        assert_eq!(edge, Point { latitude: -90.0, longitude: 180.0 });
    }

    #[test]
    fn an_area_hides_the_door() {
        let home = Point::new(12.971_599, 77.594_566).unwrap();
        assert_eq!(home.area(), Point { latitude: 12.97, longitude: 77.59 });
        assert!(home.distance_m(home.area()) < 800.0);
    }

    #[test]
    fn a_circle_agrees_with_the_great_circle() {
        let centre = Point::new(12.97, 77.59).unwrap();
        let circle = Circle::new(centre, 5.0).unwrap();
        for (lat, lon) in [(12.97, 77.59), (13.01, 77.59), (12.97, 77.63), (13.02, 77.60), (12.90, 77.50), (12.94, 77.62)] {
            let point = Point::new(lat, lon).unwrap();
            assert_eq!(circle.contains(point), centre.distance_m(point) <= 5_000.0, "{point:?}");
        }
        assert!(Circle::new(centre, 0.0).is_none() && Circle::new(centre, 50.1).is_none());
        assert!(Circle::new(centre, f64::NAN).is_none());
    }
}

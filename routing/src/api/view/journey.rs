//! Journeys, leg by leg.

use super::{Language, Telling, encode_polyline, iso, mode, second, trip_id};
use crate::{
    api::{
        escort::EscortView,
        flex::{BookingView, FlexView},
        rental::RentalView,
    },
    fare::{Fare, Payment},
    itinerary::{Direction, Itinerary, Leg, Means, Parked, Place, Ride, RideCall, Step},
    on_demand::Booked,
    transit::live::Alert,
};
use model::geo::LonLat;
use serde::Serialize;
use utoipa::ToSchema;

/// A journey.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItineraryView {
    /// Seconds.
    pub duration: i64,
    /// Departure.
    #[schema(format = DateTime)]
    pub start_time: String,
    /// Arrival.
    #[schema(format = DateTime)]
    pub end_time: String,
    /// Changes of vehicle.
    pub transfers: u32,
    /// **Ours**: what it costs with the card of the question; left out where no tariff says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fare: Option<FareView>,
    /// Legs in order.
    pub legs: Vec<LegView>,
}

/// What a journey costs. **Ours.**
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FareView {
    /// All of it.
    pub amount: f64,
    /// ISO 4217.
    pub currency: String,
    /// What is bought.
    pub payments: Vec<PaymentView>,
    /// With `cheapest=true`: whether no journey costs less. Else left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cheapest: bool,
}

/// One product bought. **Ours.**
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentView {
    /// The product's id in the tariff.
    pub product: String,
    /// Its name.
    pub name: String,
    /// What it costs; 0 for what is paid already or free.
    pub amount: f64,
    /// For how many rides it pays here.
    pub rides: usize,
}

impl FareView {
    pub(crate) fn new(fare: &Fare, currency: &str, language: Language) -> FareView {
        let whole = |hundredths: i64| hundredths as f64 / 100.0;
        let payment = |payment: &Payment| PaymentView {
            product: payment.product.clone(),
            name: language.name(&payment.name).to_string(),
            amount: whole(payment.amount),
            rides: payment.rides.len(),
        };
        FareView {
            amount: whole(fare.amount),
            currency: currency.to_string(),
            payments: fare.payments.iter().map(payment).collect(),
            cheapest: false,
        }
    }
}

/// A part of a journey by one means.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegView {
    /// `WALK`, `BIKE`, `RENTAL`, `FLEX`, `CAR`; **ours**: `TAXI`; by public transport `BUS`, `TRAM`, `SUBWAY` and so on.
    pub mode: String,
    /// From where.
    pub from: PlaceView,
    /// To where.
    pub to: PlaceView,
    /// Seconds.
    pub duration: i64,
    /// Departure.
    #[schema(format = DateTime)]
    pub start_time: String,
    /// Arrival.
    #[schema(format = DateTime)]
    pub end_time: String,
    /// Departure by the timetable; the same as `startTime` on streets, which have none.
    #[schema(format = DateTime)]
    pub scheduled_start_time: String,
    /// Arrival by the timetable.
    #[schema(format = DateTime)]
    pub scheduled_end_time: String,
    /// Whether measured link times had a say, or more was known of the trip than its timetable.
    pub real_time: bool,
    /// Whether it has a timetable; streets have none.
    pub scheduled: bool,
    /// Metres.
    pub distance: f64,
    /// The line on the map; empty with `detailedLegs=false`.
    pub leg_geometry: PolylineView,
    /// Instructions; left out with `detailedLegs=false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepView>>,
    /// **Ours**: share of the distance whose travel time was measured, 0 to 1.
    pub live_share: f64,
    /// The shared vehicle, for mode `RENTAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rental: Option<RentalView>,
    /// **Ours**, for mode `BIKE` where the bicycle is left in a bicycle park, or taken from one: what is known of it. It is the leg's `to`
    /// (or its `from`), and is called as its stop is where it has no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parking: Option<ParkingView>,
    /// **Ours**, with `escort=true`: who comes along; left out where nobody needs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escort: Option<EscortView>,
    /// **Ours**, for mode `FLEX`: how one asks to be picked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickup_booking: Option<BookingView>,
    /// **Ours**, for mode `FLEX`: how one asks to be let off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_off_booking: Option<BookingView>,
    /// What only legs by public transport and on demand have; its fields stand in the leg itself.
    #[serde(flatten)]
    pub transit: Option<RideView>,
}

/// A place where bicycles are left. **Ours.**
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ParkingView {
    /// For how many it has room; left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Whether it is known to have a roof.
    pub covered: bool,
}

impl ParkingView {
    fn new(parked: &Parked) -> ParkingView {
        ParkingView { capacity: parked.capacity, covered: parked.covered }
    }
}

/// What a leg by public transport has beside the rest.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RideView {
    /// What the vehicle's front says where one gets on.
    pub headsign: String,
    /// The route's id.
    pub route_id: String,
    /// The line's number.
    pub route_short_name: String,
    /// The line's name.
    pub route_long_name: String,
    /// What to call the line: its number, or its name if it has none.
    pub display_name: String,
    /// `rrggbb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_color: Option<String>,
    /// `rrggbb`, for letters on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_text_color: Option<String>,
    /// GTFS' `route_type`.
    pub route_type: u16,
    /// Who runs it.
    pub agency_id: String,
    /// Its name.
    pub agency_name: String,
    /// Its page.
    pub agency_url: String,
    /// `<service day>_<departure from the first stop>_<feed>_<trip>`.
    pub trip_id: String,
    /// Calls on the way.
    pub intermediate_stops: Vec<PlaceView>,
    /// Always false: nobody is sent to a trip that does not run.
    pub cancelled: bool,
    /// Whether bicycles are taken along; false too where nobody says.
    pub bikes_allowed: bool,
    /// **Ours**: how full the vehicle is now, in GTFS-Realtime's word (`FEW_SEATS_AVAILABLE` and so on); left out where nobody says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupancy: Option<String>,
    /// Disturbances on the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertView>,
    /// **Ours**: seconds between vehicles where they run every so often; the times are then examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<u32>,
}

/// A disturbance.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertView {
    /// In a few words.
    pub header_text: String,
    /// In more words.
    pub description_text: String,
    /// GTFS-Realtime's word for why.
    pub cause: String,
    /// GTFS-Realtime's word for what it does.
    pub effect: String,
    /// Where more is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl AlertView {
    fn new(alert: &Alert, language: Language) -> AlertView {
        AlertView {
            header_text: language.name(&alert.header).to_string(),
            description_text: language.name(&alert.description).to_string(),
            cause: alert.cause.to_string(),
            effect: alert.effect.to_string(),
            url: alert.url.clone(),
        }
    }
}

/// A place.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceView {
    /// The stop's name, or `START` or `END` for coordinates.
    pub name: String,
    /// The stop's id, for stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_id: Option<String>,
    /// The station's id, for platforms of one, where stops are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// 0 is the street's; known of stops only.
    pub level: f64,
    /// When the leg that ends here does so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub arrival: Option<String>,
    /// When the leg that begins here does so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub departure: Option<String>,
    /// When the vehicle comes by its timetable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub scheduled_arrival: Option<String>,
    /// When it goes by its timetable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub scheduled_departure: Option<String>,
    /// Whether the vehicle passes without a stop.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// The platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// The platform by the timetable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_track: Option<String>,
    /// The stop's number as passengers see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_code: Option<String>,
    /// `NORMAL`, or `TRANSIT` for stops.
    pub vertex_type: String,
    /// The zone in which a vehicle comes here on demand; its fields stand in the place itself.
    #[serde(flatten)]
    pub flex: Option<FlexView>,
}

/// One instruction and the stretch that follows it.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// `DEPART`, `HARD_LEFT`, `LEFT`, `SLIGHTLY_LEFT`, `CONTINUE`, `SLIGHTLY_RIGHT`, `RIGHT`, `HARD_RIGHT`,
    /// `STAIRS`, `UTURN_LEFT`.
    pub relative_direction: String,
    /// Metres.
    pub distance: f64,
    /// Always 0.
    pub from_level: f64,
    /// Always 0.
    pub to_level: f64,
    /// The line on the map.
    pub polyline: PolylineView,
    /// The street, in the language asked for; empty if it has no name.
    pub street_name: String,
    /// Always empty.
    pub exit: String,
    /// Always false.
    pub stay_on: bool,
    /// Always false.
    pub area: bool,
    /// **Ours**: seconds.
    pub duration: f64,
}

/// A line, encoded as Google does.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PolylineView {
    /// The encoded points.
    pub points: String,
    /// Digits after the point: 7 under `/api/v1`, 6 under `/api/v6`.
    pub precision: u32,
    /// How many points.
    pub length: usize,
}

impl ItineraryView {
    /// A journey as the API says it.
    pub fn new(itinerary: &Itinerary, telling: Telling) -> ItineraryView {
        ItineraryView {
            duration: second(itinerary.end) - second(itinerary.start),
            start_time: iso(itinerary.start),
            end_time: iso(itinerary.end),
            transfers: itinerary.transfers() as u32,
            fare: None,
            legs: itinerary.legs.iter().map(|leg| LegView::new(leg, telling)).collect(),
        }
    }
}

impl LegView {
    /// Says it in other words: those that `say` has for what stands there.
    pub(crate) fn translate<'a>(&mut self, say: impl Fn(&str) -> Option<&'a str>) {
        let ride = self.transit.iter_mut().flat_map(|ride| {
            let calls = ride.intermediate_stops.iter_mut().map(|call| &mut call.name);
            let own = [
                &mut ride.headsign,
                &mut ride.route_long_name,
                &mut ride.display_name,
                &mut ride.agency_name,
            ];
            own.into_iter().chain(calls)
        });
        let escort =
            self.escort.iter_mut().flat_map(|escort| [&mut escort.meets.name, &mut escort.until.name]);
        for text in [&mut self.from.name, &mut self.to.name].into_iter().chain(ride).chain(escort) {
            if let Some(words) = say(text) {
                *text = words.to_string();
            }
        }
    }

    fn new(leg: &Leg, telling: Telling) -> LegView {
        let (start, end) = (iso(leg.start), iso(leg.end));
        let street = LegView {
            mode: String::new(),
            from: PlaceView { departure: Some(start.clone()), ..PlaceView::new(&leg.from) },
            to: PlaceView { arrival: Some(end.clone()), ..PlaceView::new(&leg.to) },
            duration: second(leg.end) - second(leg.start),
            start_time: start.clone(),
            end_time: end.clone(),
            scheduled_start_time: start,
            scheduled_end_time: end,
            real_time: false,
            scheduled: false,
            distance: decimetres(leg.distance_m),
            leg_geometry: PolylineView::new(
                if telling.detailed { &leg.shape } else { &[] },
                telling.precision,
            ),
            steps: None,
            live_share: 0.0,
            rental: None,
            parking: None,
            escort: None,
            pickup_booking: None,
            drop_off_booking: None,
            transit: None,
        };
        match &leg.means {
            Means::Street(way) => {
                let steps = || way.steps.iter().map(|step| StepView::new(step, telling)).collect();
                if let Some(booked) = way.on_demand.as_deref() {
                    let [from, to] = booked.ends.each_ref().map(|end| Some(FlexView::new(end)));
                    let [pickup_booking, drop_off_booking] = BookingView::both(booked);
                    return LegView {
                        mode: "FLEX".to_string(),
                        from: PlaceView { flex: from, ..street.from },
                        to: PlaceView { flex: to, ..street.to },
                        transit: Some(RideView::on_demand(booked)),
                        pickup_booking,
                        drop_off_booking,
                        ..street
                    };
                }
                LegView {
                    mode: if way.hire.is_some() { "RENTAL" } else { mode(way.profile) }.to_string(),
                    rental: way.hire.as_deref().map(RentalView::new),
                    parking: way.parked.as_deref().map(ParkingView::new),
                    real_time: way.live_share > 0.0,
                    steps: telling.detailed.then(steps),
                    live_share: (way.live_share * 1000.0).round() / 1000.0,
                    ..street
                }
            }
            Means::Transit(ride) => LegView {
                mode: ride.mode.to_string(),
                from: PlaceView {
                    arrival: None,
                    scheduled_arrival: None,
                    ..PlaceView::of_call(&ride.calls[0])
                },
                to: PlaceView {
                    departure: None,
                    scheduled_departure: None,
                    ..PlaceView::of_call(&ride.calls[ride.calls.len() - 1])
                },
                scheduled: true,
                real_time: ride.live,
                scheduled_start_time: iso(ride.calls[0].scheduled[1]),
                scheduled_end_time: iso(ride.calls[ride.calls.len() - 1].scheduled[0]),
                transit: Some(RideView::new(ride, telling.language)),
                escort: ride.escort.as_deref().map(|escort| EscortView::new(escort, telling.language)),
                ..street
            },
        }
    }
}

impl RideView {
    fn on_demand(booked: &Booked) -> RideView {
        let Booked { route, agency, .. } = booked;
        RideView {
            headsign: String::new(),
            route_id: booked.route_id.clone(),
            route_short_name: route.short_name.clone(),
            route_long_name: route.long_name.clone(),
            display_name: route.sign().to_string(),
            route_color: route.colour.clone(),
            route_text_color: route.text_colour.clone(),
            route_type: route.route_type,
            agency_id: agency.id.clone(),
            agency_name: agency.name.clone(),
            agency_url: agency.url.clone(),
            trip_id: booked.trip_id.clone(),
            intermediate_stops: Vec::new(),
            cancelled: false,
            bikes_allowed: false,
            occupancy: None,
            alerts: Vec::new(),
            every_seconds: None,
        }
    }

    fn new(ride: &Ride, language: Language) -> RideView {
        RideView {
            headsign: ride.headsign.clone(),
            route_id: ride.route_id.clone(),
            route_short_name: ride.route.short_name.clone(),
            route_long_name: ride.route.long_name.clone(),
            display_name: ride.route.sign().to_string(),
            route_color: ride.route.colour.clone(),
            route_text_color: ride.route.text_colour.clone(),
            route_type: ride.route.route_type,
            agency_id: ride.agency.id.clone(),
            agency_name: ride.agency.name.clone(),
            agency_url: ride.agency.url.clone(),
            trip_id: trip_id(ride),
            intermediate_stops: ride.calls[1..ride.calls.len() - 1].iter().map(PlaceView::of_call).collect(),
            cancelled: false,
            bikes_allowed: ride.takes_bicycles,
            occupancy: ride.occupancy.map(str::to_string),
            alerts: ride.alerts.iter().map(|alert| AlertView::new(alert, language)).collect(),
            every_seconds: ride.every_s,
        }
    }
}

impl StepView {
    fn new(step: &Step, telling: Telling) -> StepView {
        StepView {
            relative_direction: direction(step.direction).to_string(),
            distance: decimetres(step.distance_m),
            from_level: 0.0,
            to_level: 0.0,
            polyline: PolylineView::new(&step.shape, telling.precision),
            street_name: step.street.as_ref().map_or("", |name| telling.language.name(name)).to_string(),
            exit: String::new(),
            stay_on: false,
            area: false,
            duration: (step.duration.as_secs_f64() * 10.0).round() / 10.0,
        }
    }
}

impl PlaceView {
    /// A place as the API says it.
    pub fn new(place: &Place) -> PlaceView {
        PlaceView {
            name: place.name.clone(),
            stop_id: place.stop.clone(),
            parent_id: None,
            lat: place.at.lat,
            lon: place.at.lon,
            level: 0.0,
            arrival: None,
            departure: None,
            scheduled_arrival: None,
            scheduled_departure: None,
            cancelled: false,
            track: None,
            scheduled_track: None,
            stop_code: None,
            vertex_type: if place.stop.is_some() { "TRANSIT" } else { "NORMAL" }.to_string(),
            flex: None,
        }
    }
}

impl PlaceView {
    /// Says its name in English, if that is asked for and `say` has it.
    pub(crate) fn translate<'a>(&mut self, language: Language, say: impl Fn(&str) -> Option<&'a str>) {
        if let Some(words) = say(&self.name).filter(|_| language == Language::English) {
            self.name = words.to_string();
        }
    }

    pub(crate) fn of_call(call: &RideCall) -> PlaceView {
        let (arrival, departure) = (iso(call.arrival), iso(call.departure));
        let [scheduled_arrival, scheduled_departure] = call.scheduled.map(iso);
        PlaceView {
            level: f64::from(call.level),
            arrival: Some(arrival),
            departure: Some(departure),
            scheduled_arrival: Some(scheduled_arrival),
            scheduled_departure: Some(scheduled_departure),
            cancelled: call.skipped,
            track: call.track.clone(),
            scheduled_track: call.track.clone(),
            stop_code: call.code.clone(),
            ..PlaceView::new(&call.place)
        }
    }
}

impl PolylineView {
    fn new(line: &[LonLat], precision: u32) -> PolylineView {
        PolylineView { points: encode_polyline(line, precision), precision, length: line.len() }
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Depart => "DEPART",
        Direction::HardLeft => "HARD_LEFT",
        Direction::Left => "LEFT",
        Direction::SlightlyLeft => "SLIGHTLY_LEFT",
        Direction::Continue => "CONTINUE",
        Direction::SlightlyRight => "SLIGHTLY_RIGHT",
        Direction::Right => "RIGHT",
        Direction::HardRight => "HARD_RIGHT",
        Direction::Stairs => "STAIRS",
        Direction::UturnLeft => "UTURN_LEFT",
    }
}

fn decimetres(m: f64) -> f64 {
    (m * 10.0).round() / 10.0
}

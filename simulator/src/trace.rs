//! A run for replay: every vehicle and every signal head at every step, in a compact file of our own.
//!
//! The file is the eight bytes [`MAGIC`], then one zlib stream (RFC 1950). The stream is a row of records, each a length
//! (four bytes, little-endian) and so many bytes of [postcard](https://postcard.jamesmunns.com/wire-format): first a
//! [`Header`], then a `Step` for each step, at last an empty record, without which the file is not whole.
//!
//! A step says what changed. Vehicles have slots: whoever enters takes the lowest free one, whoever leaves frees
//! his, and the columns of a step go by slots in use, ascending. Places are whole centimetres and speeds whole
//! centimetres a second. A column `place` holds the metres along the way less those that speed and the place
//! before foretell, which is mostly nothing; a way that changes starts anew from zero.

use crate::world::{Place, Seen};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use model::ids::{LaneIx, LinkIx, MovementIx};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    sync::Arc,
};

/// What a trace begins with; the last byte is the version of the format.
pub const MAGIC: [u8; 8] = *b"SVTRACE\x01";
/// No record is longer, bytes: a step of two million vehicles is some 20 MiB.
const LONGEST: u32 = 256 << 20;
/// Most slots that a file may name: far beyond any city.
const MOST_SLOTS: usize = 16_000_000;

/// What stays the same throughout.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The network's name, as its city has it.
    pub network: String,
    /// Its lanes: a trace fits a network only if these agree.
    pub lanes: u32,
    /// Its movements, likewise.
    pub movements: u32,
    /// Vehicle types: name, and length in cm.
    pub types: Vec<(String, u32)>,
    /// The signals' names in the network's file, in junction order.
    pub junctions: Vec<String>,
    /// Length of a step, ms.
    pub step_ms: u32,
}

#[derive(Default, Serialize, Deserialize)]
struct Step {
    at_ms: i64,
    left: Vec<u32>,
    /// Trip's name and type.
    entered: Vec<(String, u32)>,
    /// Slot and way: lanes first, then movements.
    ways: Vec<(u32, u32)>,
    speed: Vec<i32>,
    place: Vec<i32>,
    /// Junction and the letters of its heads, as SUMO writes them.
    lamps: Vec<(u32, String)>,
}

/// A vehicle of a trace at a moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Traced {
    /// The trip's name.
    pub id: Arc<str>,
    /// Index into [`Header::types`].
    pub vehicle_type: u32,
    /// When it entered, ms.
    pub depart_ms: i64,
    /// What its front is on.
    pub place: Place,
    /// m from the start of `place`.
    pub x_m: f64,
    /// m/s.
    pub speed_mps: f64,
}

impl Traced {
    /// The vehicle as [`World::seen`](crate::world::World::seen) would show it, as far as a trace knows.
    pub fn seen(&self, slot: u32, length_m: f64) -> Seen<'_> {
        Seen {
            row: slot,
            depart_ms: self.depart_ms,
            depart_delay_s: 0.0,
            id: &self.id,
            vehicle_type: self.vehicle_type,
            place: self.place,
            link: LinkIx(0),
            x_m: self.x_m,
            speed_mps: self.speed_mps,
            wish_mps: 0.0,
            limit_mps: 0.0,
            length_m,
            at_stop: false,
            parked: false,
        }
    }
}

/// What the street was like at a moment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Moment {
    /// ms on the scenario's clock.
    pub at_ms: i64,
    /// Everybody on the road, by slot.
    pub vehicles: BTreeMap<u32, Traced>,
    /// Per junction: the letters of its heads.
    pub lamps: Vec<String>,
}

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceFault {
    /// It is something else.
    #[error("this is no trace, or one of another version")]
    NoTrace,
    /// It stops before its end.
    #[error("the trace ends in the middle of record {0}; what came before is whole")]
    CutShort(u64),
    /// It is damaged.
    #[error("record {0} is damaged: {1}")]
    Damaged(u64, String),
    /// The disk would not.
    #[error("it could not be read")]
    Io(#[from] io::Error),
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    row: u32,
    depart_ms: i64,
    way: u32,
    cm: i64,
    speed: i32,
}

/// Writes a trace.
#[derive(Debug)]
pub struct Writer<W: Write> {
    to: ZlibEncoder<W>,
    lanes: u32,
    step_ms: i64,
    slots: Vec<Option<Slot>>,
    lamps: Vec<String>,
}

impl<W: Write> Writer<W> {
    /// Begins a trace.
    pub fn new(mut to: W, header: &Header) -> io::Result<Writer<W>> {
        to.write_all(&MAGIC)?;
        let mut writer = Writer {
            to: ZlibEncoder::new(to, Compression::default()),
            lanes: header.lanes,
            step_ms: header.step_ms.into(),
            slots: Vec::new(),
            lamps: Vec::new(),
        };
        writer.record(header)?;
        Ok(writer)
    }

    /// Writes a moment: everybody on the road, and the letters of each junction's heads.
    pub fn moment<'s>(
        &mut self,
        at_ms: i64,
        seen: impl Iterator<Item = Seen<'s>>,
        lamps: &[String],
    ) -> io::Result<()> {
        let mut step = Step { at_ms, ..Step::default() };
        let mut now: BTreeMap<(u32, i64), Seen<'s>> = seen.map(|s| ((s.row, s.depart_ms), s)).collect();
        for (slot, held) in self.slots.iter_mut().enumerate() {
            if held.is_some_and(|h| !now.contains_key(&(h.row, h.depart_ms))) {
                *held = None;
                step.left.push(slot as u32);
            }
        }
        let known: Vec<(u32, i64)> = self.slots.iter().flatten().map(|h| (h.row, h.depart_ms)).collect();
        let old: BTreeMap<(u32, i64), Seen<'s>> =
            known.iter().filter_map(|k| now.remove(k).map(|s| (*k, s))).collect();
        // Those who are left have come in this step.
        let mut free = 0;
        for (key, s) in &now {
            while self.slots.get(free).is_some_and(Option::is_some) {
                free += 1;
            }
            let fresh = Slot { row: key.0, depart_ms: key.1, way: u32::MAX, cm: 0, speed: 0 };
            match self.slots.get_mut(free) {
                Some(slot) => *slot = Some(fresh),
                None => self.slots.push(Some(fresh)),
            }
            step.entered.push((s.id.to_owned(), s.vehicle_type));
        }
        for (number, slot) in self.slots.iter_mut().enumerate() {
            let Some(slot) = slot else { continue };
            let key = (slot.row, slot.depart_ms);
            let Some(s) = old.get(&key).or(now.get(&key)) else { continue };
            let way = match s.place {
                Place::Lane(lane) => lane.0,
                Place::Movement(m) => self.lanes + m.0,
            };
            if way != slot.way {
                step.ways.push((number as u32, way));
                (slot.way, slot.cm) = (way, 0);
            }
            let speed = (s.speed_mps * 100.0).round() as i32;
            let cm = (s.x_m * 100.0).round() as i64;
            step.speed.push(speed - slot.speed);
            step.place.push((cm - foretold(slot.cm, speed, self.step_ms)) as i32);
            (slot.speed, slot.cm) = (speed, cm);
        }
        for (j, letters) in lamps.iter().enumerate() {
            if self.lamps.get(j) != Some(letters) {
                step.lamps.push((j as u32, letters.clone()));
            }
        }
        self.lamps = lamps.to_vec();
        self.record(&step)
    }

    /// Ends the trace and hands back what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.write_all(&0_u32.to_le_bytes())?;
        self.to.finish()
    }

    fn record(&mut self, record: &impl Serialize) -> io::Result<()> {
        let bytes = postcard::to_stdvec(record).map_err(io::Error::other)?;
        self.to.write_all(&(bytes.len() as u32).to_le_bytes())?;
        self.to.write_all(&bytes)
    }
}

/// Where a vehicle would be that drove on like that, cm.
fn foretold(cm: i64, speed: i32, step_ms: i64) -> i64 {
    cm + i64::from(speed) * step_ms / 1000
}

/// Reads a trace, moment by moment.
pub struct Reader<R: Read> {
    from: ZlibDecoder<R>,
    header: Header,
    records: u64,
    now: Moment,
    speeds: BTreeMap<u32, (i32, i64)>,
}

impl<R: Read> Reader<R> {
    /// Reads the beginning.
    pub fn new(mut from: R) -> Result<Reader<R>, TraceFault> {
        let mut magic = [0; 8];
        from.read_exact(&mut magic).map_err(|_| TraceFault::NoTrace)?;
        if magic != MAGIC {
            return Err(TraceFault::NoTrace);
        }
        let mut from = ZlibDecoder::new(from);
        let header: Header = record(&mut from, 0)?.ok_or(TraceFault::CutShort(0))?;
        if header.lanes.checked_add(header.movements).is_none() || header.step_ms == 0 {
            return Err(TraceFault::Damaged(0, "its network cannot be".into()));
        }
        let now = Moment { lamps: vec![String::new(); header.junctions.len()], ..Moment::default() };
        Ok(Reader { from, header, records: 0, now, speeds: BTreeMap::new() })
    }

    /// What stays the same.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next moment; `None` at the end.
    pub fn step(&mut self) -> Result<Option<&Moment>, TraceFault> {
        self.records += 1;
        let Some(step) = record::<Step>(&mut self.from, self.records)? else { return Ok(None) };
        self.apply(step).map_err(|what| TraceFault::Damaged(self.records, what.into()))?;
        Ok(Some(&self.now))
    }

    fn apply(&mut self, step: Step) -> Result<(), &'static str> {
        let (now, header) = (&mut self.now, &self.header);
        now.at_ms = step.at_ms;
        for slot in step.left {
            now.vehicles.remove(&slot).ok_or("somebody leaves who was not there")?;
            self.speeds.remove(&slot);
        }
        let mut free = 0;
        for (id, vehicle_type) in step.entered {
            while now.vehicles.contains_key(&free) {
                free += 1;
            }
            if free as usize >= MOST_SLOTS || vehicle_type as usize >= header.types.len() {
                return Err("a vehicle has a type that does not exist");
            }
            let place = Place::Lane(LaneIx(u32::MAX));
            let fresh = Traced {
                id: id.into(),
                vehicle_type,
                depart_ms: step.at_ms,
                place,
                x_m: 0.0,
                speed_mps: 0.0,
            };
            now.vehicles.insert(free, fresh);
            self.speeds.insert(free, (0, 0));
        }
        for (slot, way) in step.ways {
            let vehicle = now.vehicles.get_mut(&slot).ok_or("a way for nobody")?;
            vehicle.place = match way.checked_sub(header.lanes) {
                None => Place::Lane(LaneIx(way)),
                Some(m) if m < header.movements => Place::Movement(MovementIx(m)),
                Some(_) => return Err("a way that does not exist"),
            };
            self.speeds.entry(slot).and_modify(|s| s.1 = 0);
        }
        if step.speed.len() != now.vehicles.len() || step.place.len() != now.vehicles.len() {
            return Err("its columns are not as long as there are vehicles");
        }
        let columns = step.speed.into_iter().zip(step.place);
        for ((slot, vehicle), (speed, place)) in now.vehicles.iter_mut().zip(columns) {
            if vehicle.place == Place::Lane(LaneIx(u32::MAX)) {
                return Err("somebody is nowhere");
            }
            let held = self.speeds.entry(*slot).or_default();
            held.0 = held.0.wrapping_add(speed);
            held.1 = foretold(held.1, held.0, header.step_ms.into()).wrapping_add(place.into());
            vehicle.speed_mps = f64::from(held.0) / 100.0;
            vehicle.x_m = held.1 as f64 / 100.0;
        }
        for (junction, letters) in step.lamps {
            *now.lamps.get_mut(junction as usize).ok_or("a signal that does not exist")? = letters;
        }
        Ok(())
    }
}

/// The next record; `None` at the end mark.
fn record<T: DeserializeOwned>(from: &mut impl Read, number: u64) -> Result<Option<T>, TraceFault> {
    let broken = |e: io::Error| match e.kind() {
        io::ErrorKind::UnexpectedEof => TraceFault::CutShort(number),
        // What zlib says of a stream that is not one.
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            TraceFault::Damaged(number, e.to_string())
        }
        _ => TraceFault::Io(e),
    };
    let mut length = [0; 4];
    from.read_exact(&mut length).map_err(broken)?;
    let length = u32::from_le_bytes(length);
    match length {
        0 => return Ok(None),
        LONGEST.. => return Err(TraceFault::Damaged(number, format!("it claims {length} bytes"))),
        _ => {}
    }
    // Grown as bytes come, so that a lie about the length costs nothing.
    let mut bytes = Vec::new();
    from.take(length.into()).read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() < length as usize {
        return Err(TraceFault::CutShort(number));
    }
    postcard::from_bytes(&bytes).map(Some).map_err(|e| TraceFault::Damaged(number, e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        demand,
        generator::moscow,
        scenario::FixedPlans,
        world::{Options, World},
    };

    /// Name, place, metres and speed of everybody, moment by moment.
    type Truth = Vec<Vec<(String, Place, f64, f64)>>;

    fn drive(seconds: usize) -> (Vec<u8>, Truth) {
        let city = moscow(30, 3);
        let demand = demand::generate(&city, 60, 5, 28_800.0, seconds as f64);
        let options = Options { begin_ms: 28_800_000, ..Options::default() };
        let mut world = World::with_options(&city, demand.types.clone(), 1, options);
        world.insert_all(&demand);
        let mut plans = FixedPlans::new(&city);
        let header = Header {
            network: "a".into(),
            lanes: city.network.lanes.len() as u32,
            movements: city.network.movements.len() as u32,
            types: demand.types.iter().map(|t| (t.id.clone(), 500)).collect(),
            junctions: city.junctions.iter().map(|j| j.id.to_string()).collect(),
            step_ms: 1000,
        };
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        let mut truth = Vec::new();
        for _ in 0..seconds {
            plans.set(&city, world.now_ms());
            let at_ms = world.now_ms();
            world.step(&plans.lamps());
            let lamps: Vec<String> = (0..city.junctions.len())
                .map(|j| {
                    let (groups, stage) = (&plans.lamps().groups[j], plans.lamps().stages[j]);
                    crate::scenario::state_letters(&city.junctions[j], groups, stage, "")
                })
                .collect();
            writer.moment(at_ms, world.seen(), &lamps).unwrap();
            let mut all: Vec<_> =
                world.seen().map(|s| (s.id.to_owned(), s.place, s.x_m, s.speed_mps)).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            truth.push(all);
        }
        (writer.finish().unwrap(), truth)
    }

    #[test]
    fn what_was_written_is_read_again() {
        let (bytes, truth) = drive(240);
        let mut reader = Reader::new(&bytes[..]).unwrap();
        let mut vehicles = 0;
        for (k, expected) in truth.iter().enumerate() {
            let moment = reader.step().unwrap().expect("there are as many moments as steps");
            assert_eq!(moment.at_ms, 28_800_000 + 1000 * k as i64);
            let mut found: Vec<&Traced> = moment.vehicles.values().collect();
            found.sort_by(|a, b| a.id.cmp(&b.id));
            assert_eq!(found.len(), expected.len());
            for (f, (id, place, x_m, speed_mps)) in found.iter().zip(expected) {
                assert_eq!((&*f.id, f.place), (id.as_str(), *place), "step {k}");
                assert!(
                    (f.x_m - x_m).abs() < 0.006 && (f.speed_mps - speed_mps).abs() < 0.006,
                    "step {k}: {f:?}"
                );
            }
            assert!(moment.lamps.iter().all(|l| !l.is_empty()));
            vehicles += found.len();
        }
        assert!(reader.step().unwrap().is_none());
        assert!(vehicles > 1000, "{vehicles}");
        assert!(bytes.len() < 8 * vehicles, "{} bytes for {vehicles} places", bytes.len());
    }

    #[test]
    fn damage_is_told_and_never_a_crash() {
        let (bytes, _) = drive(40);
        let read = |bytes: &[u8]| -> Result<usize, TraceFault> {
            let mut reader = Reader::new(bytes)?;
            let mut moments = 0;
            while reader.step()?.is_some() {
                moments += 1;
            }
            Ok(moments)
        };
        assert_eq!(read(&bytes).unwrap(), 40);
        assert!(matches!(read(b"<routes/>"), Err(TraceFault::NoTrace)));
        // The last four bytes are a checksum behind the end mark: what stands before them is whole without.
        for cut in (8..bytes.len() - 4).step_by(bytes.len() / 97 + 1) {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut} of {}", bytes.len());
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 199 + 1) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            let _ = read(&damaged);
        }
    }
}

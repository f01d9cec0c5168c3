//! What measures there are: names, columns with their units, where each comes from, and what it needs.

use super::event::Function;

/// One measure.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Its name: that of its file, and of its path in the API.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What a row says.
    pub about: &'static str,
    /// Who defined it, and where one can read it.
    pub source: &'static str,
    /// How its rows stand in time.
    pub rows: Rows,
    /// Without a detector of this function it is empty.
    pub detector: Option<Function>,
    /// What the device must tell besides lamps and detectors; empty if nothing.
    pub told: &'static str,
    /// Its columns, in the order of its rows' fields.
    pub columns: &'static [Column],
}

/// How a measure's rows stand in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rows {
    /// One for each bin (and group, channel …).
    Bins,
    /// One for each quarter of an hour, whatever the bin.
    Quarters,
    /// One for each thing that happened.
    Happenings,
    /// They sum up all that was looked at.
    Sums,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What stands in it.
    pub kind: Kind,
    /// The unit: `s`, `share` (0 to 1), `vehicles`, `h` …; empty for what has none.
    pub unit: &'static str,
}

/// What stands in a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A moment.
    Time,
    /// The device's name.
    Device,
    /// A signal group's number.
    Group,
    /// A detector channel's number.
    Channel,
    /// A number that measures or counts.
    Number,
    /// A number that only names: a code, a plan.
    Label,
    /// A word.
    Word,
    /// Yes or no.
    Flag,
}

impl Measure {
    /// The measure of that name.
    pub fn named(name: &str) -> Option<&'static Measure> {
        MEASURES.iter().find(|measure| measure.name == name)
    }
    /// The place of the first column of a kind.
    pub fn column(&self, kind: Kind) -> Option<usize> {
        self.columns.iter().position(|column| column.kind == kind)
    }
}

const fn column(name: &'static str, kind: Kind, unit: &'static str) -> Column {
    Column { name, kind, unit }
}
const fn number(name: &'static str, unit: &'static str) -> Column {
    column(name, Kind::Number, unit)
}

const TIME: Column = column("TimeStamp", Kind::Time, "");
const DEVICE: Column = column("DeviceId", Kind::Device, "");
const PHASE: Column = column("Phase", Kind::Group, "");
const EVENT: Column = column("EventId", Kind::Label, "");

const PACKAGE: &str = "atspm 2.6.1 (the package of Oregon's Department of Transportation)";
const UTAH: &str = "Utah Department of Transportation, ATSPM 5";
const DAY_2014: &str =
    "Day et al. 2014, Performance Measures for Traffic Signal Systems, doi:10.5703/1288284315333";

/// The measure that is made of speeds, which stand beside the log.
pub const SPEED: &str = "approach_speed";

/// A measure that needs no detectors and nothing that devices do not tell.
const PLAIN: Measure = Measure {
    name: "",
    title: "",
    about: "",
    source: PACKAGE,
    rows: Rows::Bins,
    detector: None,
    told: "",
    columns: &[],
};

/// All of them: the package's, then Utah's.
pub const MEASURES: [Measure; 31] = [
    Measure {
        name: "has_data",
        title: "Bins with data",
        about: "the device told enough in every five minutes of the bin to be believed to be there",
        columns: &[TIME, DEVICE],
        ..PLAIN
    },
    Measure {
        name: "actuations",
        title: "Detector actuations",
        about: "how often each detector felt somebody come",
        columns: &[TIME, DEVICE, column("Detector", Kind::Channel, ""), number("Total", "actuations")],
        ..PLAIN
    },
    Measure {
        name: "arrival_on_green",
        title: "Arrivals on green",
        about: "share of vehicles over advance detectors that came while their group showed green",
        source: DAY_2014,
        detector: Some(Function::Advance),
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("Total_Actuations", "vehicles"),
            number("Percent_AOG", "share"),
        ],
        ..PLAIN
    },
    Measure {
        name: "platoon_ratio",
        title: "Platoon ratio",
        about: "share of arrivals on green over share of time that was green; 1 for arrivals at random",
        source: "Highway Capacity Manual, 7th edition, arrival types; atspm 2.6.1",
        detector: Some(Function::Advance),
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("Total_Actuations", "vehicles"),
            number("Green_Actuations", "vehicles"),
            number("Percent_AOG", "share"),
            number("Green_Seconds", "s"),
            number("Green_Ratio", "share"),
            number("Platoon_Ratio", "ratio"),
            column("Arrival_Type", Kind::Label, ""),
        ],
        ..PLAIN
    },
    Measure {
        name: "communications",
        title: "Communication with the device",
        about: "mean clock drift, lost telegrams and answer time",
        told: "codes 400, 502, 503 (MAXVIEW)",
        columns: &[TIME, DEVICE, EVENT, number("Average", "")],
        ..PLAIN
    },
    Measure {
        name: "coordination",
        title: "Coordination, as told",
        about: "each word of the device about its plan, cycle and offset",
        rows: Rows::Happenings,
        told: "code 131; cycles and offsets by codes 132, 316, 318",
        columns: &[
            TIME,
            column("Raw_TimeStamp", Kind::Time, ""),
            DEVICE,
            EVENT,
            column("Parameter", Kind::Label, ""),
        ],
        ..PLAIN
    },
    Measure {
        name: "coordination_agg",
        title: "Coordination at the end of each bin",
        about: "the plan that ran, its cycle as wanted and as it was, and its offset",
        told: "code 131; cycles and offsets by codes 132, 316, 318",
        columns: &[
            TIME,
            DEVICE,
            column("Pattern", Kind::Label, ""),
            number("CycleLength", "s"),
            number("ActualCycleLength", "s"),
            number("ActualOffset", "s"),
        ],
        ..PLAIN
    },
    Measure {
        name: "ped",
        title: "Pedestrian services and presses",
        about: "how often walk began and how often the button was pressed",
        columns: &[TIME, DEVICE, PHASE, number("PedServices", "services"), number("PedActuation", "presses")],
        ..PLAIN
    },
    Measure {
        name: "unique_ped",
        title: "Different people's presses",
        about: "presses of the button more than 15 s after the one before",
        columns: &[TIME, DEVICE, PHASE, number("Unique_Actuations", "presses")],
        ..PLAIN
    },
    Measure {
        name: "full_ped",
        title: "Pedestrian volumes",
        about: "services, presses, and how many people that makes",
        source: "Singleton et al. 2021, doi:10.1177/0361198121994126; atspm 2.6.1",
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("PedServices", "services"),
            number("PedActuation", "presses"),
            number("Unique_Actuations", "presses"),
            number("Estimated_Volumes", "people"),
        ],
        ..PLAIN
    },
    Measure {
        name: "split_failures",
        title: "Split failures",
        about: "greens that ended with somebody still waiting: occupied for 80 % of green and of the first 5 s of red",
        source: "Freije et al. 2014, doi:10.3141/2463-02; atspm 2.6.1",
        detector: Some(Function::Presence),
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("Green_Time", "s"),
            number("Green_Occupancy", "share"),
            number("Red_Occupancy", "share"),
            number("Split_Failure", "cycles"),
        ],
        ..PLAIN
    },
    Measure {
        name: "splits",
        title: "Actual splits",
        about: "how long the groups' splits really were",
        told: "codes 300 to 317 (MAXTIME)",
        columns: &[TIME, DEVICE, EVENT, number("Services", "services"), number("Average_Split", "s")],
        ..PLAIN
    },
    Measure {
        name: "terminations",
        title: "Terminations",
        about: "how often greens ended by gap-out, max-out and force-off",
        told: "codes 4, 5, 6",
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            column("PerformanceMeasure", Kind::Word, ""),
            number("Total", "greens"),
        ],
        ..PLAIN
    },
    Measure {
        name: "yellow_red",
        title: "Yellow and red actuations",
        about: "who crosses the stop line when, seen from the beginning of red",
        rows: Rows::Quarters,
        detector: Some(Function::YellowRed),
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            column("Signal_State", Kind::Label, ""),
            number("Red_Offset", "s"),
            number("Count", "vehicles"),
        ],
        ..PLAIN
    },
    Measure {
        name: "timeline",
        title: "Timeline",
        about: "everything that lasted: greens, walks, calls, faults, preemption … and whether it can be believed",
        rows: Rows::Happenings,
        columns: &[
            DEVICE,
            column("StartTime", Kind::Time, ""),
            column("EndTime", Kind::Time, ""),
            number("Duration", "s"),
            column("IsValid", Kind::Flag, ""),
            column("EventClass", Kind::Word, ""),
            column("EventValue", Kind::Label, ""),
        ],
        ..PLAIN
    },
    Measure {
        name: "unmatched_events",
        title: "Begun and not ended",
        about: "what has begun and not ended",
        rows: Rows::Happenings,
        columns: &[
            TIME,
            DEVICE,
            EVENT,
            column("Parameter", Kind::Label, ""),
            column("IsValid", Kind::Flag, ""),
        ],
        ..PLAIN
    },
    Measure {
        name: "phase_wait",
        title: "Waits for green",
        about: "how long groups wait for green once they are called, and how often they were passed over",
        told: "codes 43 and 44",
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("AvgPhaseWait", "s"),
            number("MaxPhaseWait", "s"),
            number("TotalSkips", "times"),
        ],
        ..PLAIN
    },
    Measure {
        name: "ped_delay",
        title: "Pedestrian delay",
        about: "how long pedestrians wait from the button to walk",
        columns: &[TIME, DEVICE, PHASE, number("AvgPedDelay", "s"), number("Samples", "waits")],
        ..PLAIN
    },
    Measure {
        name: "coordination_diagram",
        title: "Purdue coordination diagram: arrivals",
        about: "each arrival in a complete cycle, and how far into the cycle it was",
        source: DAY_2014,
        rows: Rows::Happenings,
        detector: Some(Function::Advance),
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            column("CycleStart", Kind::Time, ""),
            column("CycleEnd", Kind::Time, ""),
            number("ArrivalAt", "s"),
            number("GreenAt", "s"),
            number("YellowAt", "s"),
        ],
        ..PLAIN
    },
    Measure {
        name: "cycles",
        title: "Purdue coordination diagram: cycles",
        about: "each complete cycle from red to red, when in it green and amber began, and how many arrived",
        source: DAY_2014,
        rows: Rows::Happenings,
        detector: Some(Function::Advance),
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            column("CycleEnd", Kind::Time, ""),
            number("GreenAt", "s"),
            number("YellowAt", "s"),
            number("Cycle", "s"),
            number("Arrivals", "vehicles"),
            number("ArrivalsOnGreen", "vehicles"),
        ],
        ..PLAIN
    },
    Measure {
        name: "approach_delay",
        title: "Approach delay",
        about: "how long vehicles stand from their arrival on red to green; a lower bound",
        source: UTAH,
        detector: Some(Function::Advance),
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("Arrivals", "vehicles"),
            number("ArrivalsOnRed", "vehicles"),
            number("AverageDelay", "s"),
            number("TotalDelayHours", "h"),
            column("LevelOfService", Kind::Word, ""),
        ],
        ..PLAIN
    },
    Measure {
        name: "approach_volume",
        title: "Approach volume",
        about: "how many came by each approach",
        source: UTAH,
        detector: Some(Function::Advance),
        columns: &[TIME, DEVICE, PHASE, number("Volume", "vehicles")],
        ..PLAIN
    },
    Measure {
        name: "peak_hour",
        title: "Peak hour",
        about: "each approach's busiest hour, how evenly it came (PHF), and its share of all that was counted (K)",
        source: "Highway Capacity Manual, 7th edition, chapter 3; Utah, ATSPM 5",
        rows: Rows::Sums,
        detector: Some(Function::Advance),
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("Volume", "vehicles"),
            number("PHF", "share"),
            number("K", "share"),
        ],
        ..PLAIN
    },
    Measure {
        name: "turning_counts",
        title: "Turning counts",
        about: "how many go left, straight on and right, by lanes that turn alike, and how evenly those are used",
        source: UTAH,
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            column("Movement", Kind::Word, ""),
            number("Lanes", "lanes"),
            number("Volume", "vehicles"),
            number("LaneUtilization", "share"),
        ],
        ..PLAIN
    },
    Measure {
        name: SPEED,
        title: "Approach speed",
        about: "how fast those drive who pass on green: mean, and what 85 and 15 of a hundred do not exceed",
        source: UTAH,
        told: "speeds, which no hi-res log has",
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("Vehicles", "vehicles"),
            number("AverageSpeed", "km/h"),
            number("Speed85", "km/h"),
            number("Speed15", "km/h"),
        ],
        ..PLAIN
    },
    Measure {
        name: "left_turn_gap",
        title: "Gaps for left turns",
        about: "gaps in the green of a group, for those who turn through it: up to 3.3, 3.7, 7.4 s and longer, and the longer ones' share of the green",
        source: UTAH,
        detector: Some(Function::Advance),
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("Gap1", "gaps"),
            number("Gap2", "gaps"),
            number("Gap3", "gaps"),
            number("Gap4", "gaps"),
            number("TurnableTime", "s"),
            number("PercentTurnable", "share"),
        ],
        ..PLAIN
    },
    Measure {
        name: "split_monitor",
        title: "Split monitor",
        about: "each green: how long it was, under which plan, why it ended, whether somebody walked with it",
        source: UTAH,
        rows: Rows::Happenings,
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            column("Pattern", Kind::Label, ""),
            number("Green", "s"),
            number("Split", "s"),
            column("Termination", Kind::Word, ""),
            column("Ped", Kind::Flag, ""),
        ],
        ..PLAIN
    },
    Measure {
        name: "ped_service",
        title: "Pedestrian service",
        about: "how many people on foot called, how many walks served them, and how long they waited from their first press",
        source: UTAH,
        told: "push-buttons and their calls",
        columns: &[
            TIME,
            DEVICE,
            PHASE,
            number("PedCycles", "walks"),
            number("PedDelay", "s"),
            number("MinPedDelay", "s"),
            number("MaxPedDelay", "s"),
            number("PedRequests", "presses"),
            number("ImputedPedCallsRegistered", "presses"),
            number("UniquePedDetections", "presses"),
            number("PedBeginWalkCount", "walks"),
            number("PedCallsRegisteredCount", "calls"),
        ],
        ..PLAIN
    },
    Measure {
        name: "preempt_detail",
        title: "Preemptions",
        about: "how each preemption went, from its call to its end",
        source: UTAH,
        rows: Rows::Happenings,
        told: "codes 102 to 111",
        columns: &[
            TIME,
            DEVICE,
            column("Preempt", Kind::Label, ""),
            number("Delay", "s"),
            number("TimeToService", "s"),
            number("TrackClear", "s"),
            number("Dwell", "s"),
            number("Call", "s"),
        ],
        ..PLAIN
    },
    Measure {
        name: "priority_detail",
        title: "Priorities",
        about: "how each priority went, from check-in to check-out",
        source: UTAH,
        rows: Rows::Happenings,
        told: "codes 112 to 119",
        columns: &[
            TIME,
            DEVICE,
            column("Priority", Kind::Label, ""),
            number("Seconds", "s"),
            number("EarlyGreen", "times"),
            number("ExtendGreen", "times"),
            number("Service", "s"),
        ],
        ..PLAIN
    },
    Measure {
        name: "watchdog",
        title: "Watchdog",
        about: "what a person should look at, day by day: missing data, max-outs at night, stuck buttons, silent detectors",
        source: UTAH,
        rows: Rows::Sums,
        columns: &[
            TIME,
            DEVICE,
            column("Finding", Kind::Word, ""),
            column("Of", Kind::Label, ""),
            number("Value", ""),
        ],
        ..PLAIN
    },
];

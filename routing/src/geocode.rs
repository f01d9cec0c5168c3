//! From what a person types to stops and streets, in Cyrillic or Latin letters, with slips of the finger.
//!
//! Names and questions are folded to one spelling: Cyrillic as it sounds, so that `Щёлковская`, `Shchyolkovskaya` and
//! `schelkovskaya` are one word, and Latin without its accents. Words are then compared letter by letter (Damerau and
//! Levenshtein's distance), beginnings of words count nearly as much as whole ones, and a question typed with the
//! keyboard in the wrong layout is read as it was meant.

use crate::gtfs::records::{Mode, StopKind};
use crate::{map::Map, transit::timetable::Timetable};
use model::{geo::LonLat, network::Name};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Questions longer than this are cut, characters: no name is so long.
const LONGEST_QUESTION: usize = 120;
/// Words of a question that count; the rest of it is not read.
const MOST_WORDS: usize = 8;
/// Stops of one name that are nearer to each other than this are shown as one, m.
const ONE_STOP_M: f64 = 400.0;
/// Pieces of street of one name that are nearer to each other than this are one street, m.
const ONE_STREET_M: f64 = 600.0;
/// What a match by the beginning of a word loses against a whole one.
const BEGINNING: f32 = 0.1;
/// What each slip loses, times the slips, over the word's length.
const SLIP: f32 = 1.2;
/// Below this share of the question's letters found there is no match.
const LEAST_SHARE: f32 = 0.6;
/// What being just here counts against being at the other end of the map.
const NEARNESS: f32 = 0.12;
/// Distance over which nearness falls to a half, m.
const NEAR_M: f64 = 5000.0;

/// Words that say what kind of thing it is: they count little, and nobody is lost for want of them.
const KINDS: [&str; 26] = [
    "улица",
    "ул",
    "площадь",
    "пл",
    "проспект",
    "пр",
    "переулок",
    "пер",
    "бульвар",
    "метро",
    "станция",
    "остановка",
    "шоссе",
    "набережная",
    "street",
    "square",
    "avenue",
    "lane",
    "boulevard",
    "station",
    "stop",
    "metro",
    "rua",
    "avenida",
    "largo",
    "praca",
];

/// What a place is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A stop or station, by its id.
    Stop(String),
    /// A street.
    Street,
}

/// A place with a name.
#[derive(Clone, PartialEq, Debug)]
pub struct Named {
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: Name,
    /// Where it is; the middle of a street.
    pub at: LonLat,
    /// What stops there, for stops.
    pub modes: BTreeSet<Mode>,
    /// How much of the city's life is there, 0 to 1.
    pub importance: f32,
}

/// A place that answers a question.
#[derive(Clone, PartialEq, Debug)]
pub struct Match<'a> {
    /// The place.
    pub place: &'a Named,
    /// How well, higher is better.
    pub score: f32,
    /// The words of the local name that were found: first character, and how many.
    pub found: Vec<[usize; 2]>,
}

/// What a question is about beside its words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Whether stops are wanted.
    pub stops: bool,
    /// Whether streets are.
    pub streets: bool,
    /// What is near here is preferred.
    pub near: Option<LonLat>,
    /// How strongly, 1 is usual.
    pub bias: f32,
    /// Answers wanted.
    pub most: usize,
}

/// All named places of a city.
#[derive(Debug, Default)]
pub struct Names {
    places: Vec<Named>,
    words: Vec<Word>,
}

#[derive(Debug)]
struct Word {
    folded: String,
    letters: u64,
    /// Where it stands: the place, and which of its names.
    places: Vec<u32>,
}

impl Names {
    /// Gathers them.
    pub fn new(map: &Map, timetable: Option<&Timetable>) -> Names {
        let mut places = match timetable {
            Some(timetable) => stops_of(timetable),
            None => Vec::new(),
        };
        if timetable.is_none() {
            places.extend(map.stops.iter().map(|stop| Named {
                kind: Kind::Stop(stop.id.clone()),
                name: stop.name.clone(),
                at: stop.at,
                modes: BTreeSet::new(),
                importance: 0.5,
            }));
        }
        places.extend(streets_of(map));
        let mut words = BTreeMap::<String, Vec<u32>>::new();
        for (i, place) in places.iter().enumerate() {
            let english = place.name.en.as_deref().unwrap_or("");
            let joined = place.name.local.split_whitespace().filter(|word| word.contains('-')).map(fold);
            for word in words_of(&place.name.local).chain(words_of(english)).chain(joined) {
                let at = words.entry(word).or_default();
                if at.last() != Some(&(i as u32)) {
                    at.push(i as u32);
                }
            }
        }
        let words = words
            .into_iter()
            .map(|(folded, places)| Word { letters: letters(&folded), folded, places })
            .collect();
        Names { places, words }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Places that answer a question, best first.
    pub fn find(&self, text: &str, wish: &Wish) -> Vec<Match<'_>> {
        let text: String = text.chars().take(LONGEST_QUESTION).collect();
        let best = |found: &[Match<'_>]| found.first().map_or(0.0, |found| found.score);
        let found = self.find_as_written(&text, wish);
        let meant = other_layout(&text).map(|text| self.find_as_written(&text, wish)).unwrap_or_default();
        if best(&meant) > best(&found) { meant } else { found }
    }

    fn find_as_written(&self, text: &str, wish: &Wish) -> Vec<Match<'_>> {
        let kinds: BTreeSet<String> = KINDS.iter().map(|word| fold(word)).collect();
        let asked: Vec<String> = words_of(text).take(MOST_WORDS).collect();
        let weight = |word: &str| word.len() as f32 * if kinds.contains(word) { 0.2 } else { 1.0 };
        let total: f32 = asked.iter().map(|word| weight(word)).sum();
        if total == 0.0 {
            return Vec::new();
        }
        let mut scores = HashMap::<u32, [f32; MOST_WORDS]>::new();
        for (i, asked) in asked.iter().enumerate() {
            let asked_letters = letters(asked);
            for word in &self.words {
                let Some(alike) = alike(asked, asked_letters, word) else { continue };
                for &place in &word.places {
                    let best = &mut scores.entry(place).or_default()[i];
                    *best = best.max(alike);
                }
            }
        }
        let mut found = Vec::new();
        for (place, alike) in scores {
            let named = &self.places[place as usize];
            let wanted = match named.kind {
                Kind::Stop(_) => wish.stops,
                Kind::Street => wish.streets,
            };
            let share: f32 =
                asked.iter().zip(alike).map(|(asked, alike)| weight(asked) * alike).sum::<f32>() / total;
            if !wanted || share < LEAST_SHARE {
                continue;
            }
            // Who types two words means the place of two words, and not one that has them among five others.
            let name = [Some(&named.name.local), named.name.en.as_ref()];
            let said = name.into_iter().flatten().map(|name| words_of(name).map(|word| weight(&word)).sum());
            let said = said.fold(f32::INFINITY, f32::min);
            let whole = (total / said.max(1.0)).min(1.0);
            let near = wish.near.map_or(0.0, |near| {
                let away_m = near.distance_m(named.at);
                NEARNESS * wish.bias * (NEAR_M / (NEAR_M + away_m)) as f32
            });
            let score = share + 0.15 * whole + 0.05 * named.importance + near;
            found.push(Match { place: named, score, found: Vec::new() });
        }
        found.sort_by(|a, b| {
            let name = |m: &Match<'_>| {
                (m.place.name.local.clone(), m.place.at.lat.to_bits(), m.place.at.lon.to_bits())
            };
            b.score.total_cmp(&a.score).then_with(|| name(a).cmp(&name(b)))
        });
        found.truncate(wish.most);
        for found in &mut found {
            found.found = found_words(&found.place.name.local, &asked);
        }
        found
    }

    /// Stops near a place, nearest first.
    pub fn stops_near(&self, at: LonLat, within_m: f64, most: usize) -> Vec<(&Named, f64)> {
        let near = self.places.iter().filter(|place| matches!(place.kind, Kind::Stop(_)));
        let mut near: Vec<_> =
            near.map(|place| (place, place.at.distance_m(at))).filter(|(_, m)| *m <= within_m).collect();
        near.sort_by(|a, b| a.1.total_cmp(&b.1));
        near.truncate(most);
        near
    }
}

/// Stations and single stops; platforms of one name beside each other are one place, known by the first one's id.
fn stops_of(timetable: &Timetable) -> Vec<Named> {
    let mut calls = vec![0_u32; timetable.stops.len()];
    let mut modes = vec![BTreeSet::new(); timetable.stops.len()];
    for (trip, run) in timetable.trips.iter().enumerate() {
        let mode = timetable.routes[run.route as usize].mode;
        for call in timetable.calls_of(trip as u32).iter() {
            calls[call.stop as usize] += 1;
            modes[call.stop as usize].insert(mode);
        }
    }
    let mut places: Vec<(Named, u32)> = Vec::new();
    let mut by_name = HashMap::<String, Vec<usize>>::new();
    for (i, stop) in timetable.stops.iter().enumerate() {
        if stop.kind != StopKind::Platform || calls[i] == 0 {
            continue;
        }
        let shown = stop.parent.map_or(stop, |parent| &timetable.stops[parent as usize]);
        let same = by_name.entry(stop.name.clone()).or_default();
        if let Some(&k) = same.iter().find(|&&k| places[k].0.at.distance_m(stop.at) < ONE_STOP_M) {
            places[k].0.modes.extend(modes[i].iter());
            places[k].1 += calls[i];
            continue;
        }
        same.push(places.len());
        let name = Name { local: stop.name.clone(), en: timetable.english(&stop.name).map(str::to_string) };
        let kind = Kind::Stop(shown.id.clone());
        places.push((Named { kind, name, at: stop.at, modes: modes[i].clone(), importance: 0.0 }, calls[i]));
    }
    let most = places.iter().map(|(_, calls)| *calls).max().unwrap_or(1).max(1);
    let importance = |calls: u32| (f64::from(calls).ln_1p() / f64::from(most).ln_1p()) as f32;
    places.into_iter().map(|(place, calls)| Named { importance: importance(calls), ..place }).collect()
}

/// Streets; pieces of one name far from each other are several.
fn streets_of(map: &Map) -> Vec<Named> {
    let mut pieces = BTreeMap::<&str, Vec<(LonLat, f64, &Name)>>::new();
    for link in map.links() {
        if let Some(name) = link.name().filter(|name| !name.local.is_empty())
            && let Some(at) = link.shape().nth(link.shape().len() / 2)
        {
            pieces.entry(&name.local).or_default().push((at, link.length_m(), name));
        }
    }
    let mut streets = Vec::new();
    for pieces in pieces.into_values() {
        // Pieces that reach each other over gaps of at most so much, found cell by cell.
        let plane = model::geo::LocalPlane::around(pieces[0].0);
        let cell = |at: LonLat| plane.to_metres(at).map(|m| (m / ONE_STREET_M).floor() as i64);
        let mut cells = BTreeMap::<[i64; 2], Vec<usize>>::new();
        for (i, piece) in pieces.iter().enumerate() {
            cells.entry(cell(piece.0)).or_default().push(i);
        }
        while let Some((first, mut members)) = cells.pop_first() {
            let mut open = vec![first];
            while let Some([x, y]) = open.pop() {
                for next in (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| [x + dx, y + dy])) {
                    if let Some(more) = cells.remove(&next) {
                        members.extend(more);
                        open.push(next);
                    }
                }
            }
            let length_m: f64 = members.iter().map(|&i| pieces[i].1).sum();
            // The piece that lies in the middle is on the street, which the mean of all places need not be.
            let share = |of: fn(&LonLat) -> f64| {
                members.iter().map(|&i| of(&pieces[i].0)).sum::<f64>() / members.len() as f64
            };
            let middle = LonLat { lon: share(|at| at.lon), lat: share(|at| at.lat) };
            let near = |&i: &usize| pieces[i].0.distance_m(middle);
            let Some(&centre) = members.iter().min_by(|a, b| near(a).total_cmp(&near(b))) else { continue };
            streets.push(Named {
                kind: Kind::Street,
                name: pieces[centre].2.clone(),
                at: pieces[centre].0,
                modes: BTreeSet::new(),
                importance: (length_m / (length_m + 5000.0)) as f32,
            });
        }
    }
    streets
}

/// How alike a word of the question and a word of a name are, 0 to 1; `None` if they are not.
fn alike(asked: &str, asked_letters: u64, word: &Word) -> Option<f32> {
    if word.folded == asked {
        return Some(1.0);
    }
    let (asked_len, len) = (asked.len(), word.folded.len());
    if word.folded.starts_with(asked) {
        // A beginning of nearly the whole word is nearly the whole word.
        return Some(1.0 - BEGINNING * (1.0 - asked_len as f32 / len as f32));
    }
    let slips = match asked_len {
        0..4 => return None,
        4..8 => 1,
        _ => 2,
    };
    // Each slip changes at most two letters of the set.
    if (asked_letters & !word.letters).count_ones() > slips as u32 {
        return None;
    }
    let lost = |slips: usize| SLIP * slips as f32 / asked_len as f32;
    if len.abs_diff(asked_len) <= slips {
        let distance = strsim::osa_distance(asked, &word.folded);
        if distance <= slips {
            return Some(1.0 - lost(distance));
        }
    }
    // Somebody who is still typing has made his slip already. All is ASCII after folding.
    if len > asked_len {
        let distance = strsim::osa_distance(asked, &word.folded[..asked_len]);
        if distance < slips {
            return Some(1.0 - BEGINNING - lost(distance));
        }
    }
    None
}

/// The words of a text, folded.
fn words_of(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).map(fold).filter(|word| !word.is_empty())
}

/// Where in a name the words of a question are.
fn found_words(name: &str, asked: &[String]) -> Vec<[usize; 2]> {
    let mut found = Vec::new();
    let characters: Vec<char> = name.chars().collect();
    let mut begin = 0;
    for word in characters.split(|c| !c.is_alphanumeric()) {
        let folded = fold(&word.iter().collect::<String>());
        let of_name = Word { letters: letters(&folded), folded, places: Vec::new() };
        if !word.is_empty() && asked.iter().any(|asked| alike(asked, letters(asked), &of_name).is_some()) {
            found.push([begin, word.len()]);
        }
        begin += word.len() + 1;
    }
    found
}

/// The set of a word's letters.
fn letters(folded: &str) -> u64 {
    folded.bytes().fold(0, |set, b| set | 1 << (b & 63))
}

/// A word as it sounds: small Latin letters and digits only.
pub(crate) fn fold(word: &str) -> String {
    let mut latin = String::with_capacity(word.len());
    let mut cyrillic = false;
    for c in word.chars().flat_map(char::to_lowercase) {
        let sound = match c {
            'а' | 'я' => "a",
            'б' => "b",
            'в' => "v",
            'г' => "g",
            'д' => "d",
            'е' | 'ё' | 'э' => "e",
            'ж' => "j",
            'з' => "z",
            'и' | 'й' | 'ы' | 'і' => "i",
            'к' => "k",
            'л' => "l",
            'м' => "m",
            'н' => "n",
            'о' => "o",
            'п' => "p",
            'р' => "r",
            'с' => "s",
            'т' => "t",
            'у' | 'ю' => "u",
            'ф' => "f",
            'х' => "h",
            'ц' => "c",
            'ч' => "ch",
            'ш' | 'щ' => "sh",
            'ъ' | 'ь' => "",
            _ => {
                latin.push_str(&deunicode::deunicode_char(c).unwrap_or("").to_ascii_lowercase());
                continue;
            }
        };
        cyrillic = true;
        latin.push_str(sound);
    }
    if !cyrillic {
        latin = as_it_sounds(&latin);
    }
    let mut folded = String::with_capacity(latin.len());
    for c in latin.chars().filter(char::is_ascii_alphanumeric) {
        // Doubled letters are heard once; doubled digits are another number.
        if c.is_ascii_digit() || !folded.ends_with(c) {
            folded.push(c);
        }
    }
    folded
}

/// Latin letters as they are used for Russian, whichever way; the longest first.
fn as_it_sounds(latin: &str) -> String {
    const SOUNDS: [(&str, &str); 16] = [
        ("shch", "sh"),
        ("sch", "sh"),
        ("zh", "j"),
        ("kh", "h"),
        ("ts", "c"),
        ("tz", "c"),
        ("yo", "e"),
        ("jo", "e"),
        ("ye", "e"),
        ("yu", "u"),
        ("ju", "u"),
        ("ya", "a"),
        ("ja", "a"),
        ("y", "i"),
        ("w", "v"),
        ("x", "ks"),
    ];
    let mut sound = String::with_capacity(latin.len());
    let mut rest = latin;
    while let Some(c) = rest.chars().next() {
        match SOUNDS.iter().find(|(letters, _)| rest.starts_with(letters)) {
            Some((letters, heard)) => {
                sound.push_str(heard);
                rest = &rest[letters.len()..];
            }
            None => {
                sound.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    sound
}

/// The same keys with the other of the two layouts of a Russian keyboard; `None` if a letter is on neither.
fn other_layout(text: &str) -> Option<String> {
    const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";
    const CYRILLIC: &str = "йцукенгшщзхъфывапролджэячсмитьбюё";
    let swapped = |c: char| {
        if c.is_ascii_digit() || c == ' ' || c == '-' {
            return Some(c);
        }
        let on = |layout: &str, other: &str| {
            layout.chars().position(|key| key == c).and_then(|key| other.chars().nth(key))
        };
        on(LATIN, CYRILLIC).or_else(|| on(CYRILLIC, LATIN))
    };
    text.chars().flat_map(char::to_lowercase).map(swapped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[(&str, Option<&str>)]) -> Names {
        let mut city = crate::drawing::draw("A 0 0\nB 100 0\nA-B");
        city.network = model::network::Network::default();
        for (i, (local, en)) in all.iter().enumerate() {
            city.transit.stops.push(model::transit::Stop {
                id: model::ids::StopId::new(format!("s{i}")),
                name: Name { local: local.to_string(), en: en.map(str::to_string) },
                at: LonLat { lon: 37.6 + i as f64 * 0.01, lat: 55.7 },
            });
        }
        Names::new(&Map::new(&city), None)
    }

    #[track_caller]
    fn check(names: &Names, question: &str, expected: &str) {
        let wish = Wish { stops: true, streets: true, near: None, bias: 1.0, most: 5 };
        let found = names.find(question, &wish);
        let first = found.first().map_or("nothing", |found| found.place.name.local.as_str());
        assert_eq!(first, expected, "{question}");
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        let moscow = names(&[
            ("Щёлковская", Some("Shchyolkovskaya")),
            ("Тверская улица", Some("Tverskaya Street")),
            ("Тверской бульвар", Some("Tverskoy Boulevard")),
            ("Воробьёвы горы", None),
            ("Юго-Западная", None),
            ("Площадь Революции", None),
            ("Улица 1905 года", None),
            ("Цветной бульвар", None),
            ("Новокузнецкая", None),
            ("Ховрино", None),
            ("Rua de São João", None),
        ]);
        for (question, expected) in [
            ("щёлковская", "Щёлковская"),
            ("Щелковская", "Щёлковская"),
            ("Schelkovskaya", "Щёлковская"),
            ("shchyolkovskaya", "Щёлковская"),
            ("щёлк", "Щёлковская"),
            ("щолковская", "Щёлковская"),
            ("tverskaya", "Тверская улица"),
            ("ул тверская", "Тверская улица"),
            ("tverskoi bulvar", "Тверской бульвар"),
            ("nhtncrfz", "nothing"),
            ("ndthcrfz", "Тверская улица"),
            ("метро воробьевы горы", "Воробьёвы горы"),
            ("vorobyovy gory", "Воробьёвы горы"),
            ("югозападная", "Юго-Западная"),
            ("юго западная", "Юго-Западная"),
            ("yugo-zapadnaya", "Юго-Западная"),
            ("ploshad revolucii", "Площадь Революции"),
            ("революции", "Площадь Революции"),
            ("1905", "Улица 1905 года"),
            ("tsvetnoy", "Цветной бульвар"),
            ("новокузнецкя", "Новокузнецкая"),
            ("ноовкузнецкая", "Новокузнецкая"),
            ("khovrino", "Ховрино"),
            ("sao joao", "Rua de São João"),
            ("", "nothing"),
            ("кузнечик", "nothing"),
            ("🚇", "nothing"),
        ] {
            check(&moscow, question, expected);
        }
    }

    #[test]
    fn the_found_words_are_shown() {
        let all = names(&[("Тверская улица", None)]);
        let wish = Wish { stops: true, streets: true, near: None, bias: 1.0, most: 5 };
        assert_eq!(all.find("tversk", &wish)[0].found, vec![[0, 8]]);
        assert!(all.find("tversk", &Wish { stops: false, ..wish }).is_empty());
    }

    #[test]
    fn of_two_with_one_name_the_nearer_comes_first() {
        let all = names(&[("Школа", None), ("Школа", None)]);
        for at in [37.6, 37.61] {
            let near = Some(LonLat { lon: at, lat: 55.7 });
            let wish = Wish { stops: true, streets: true, near, bias: 1.0, most: 5 };
            assert!((all.find("школа", &wish)[0].place.at.lon - at).abs() < 1e-9);
        }
    }
}

//! A cable with an ear on it.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

/// Passes on what comes to its port, and keeps all of it.
#[derive(Debug)]
pub struct Tap {
    /// Where to connect instead.
    pub port: u16,
    there: Ear,
    back: Ear,
}

type Ear = Arc<Mutex<Vec<u8>>>;

impl Tap {
    /// On the way to that port of loopback.
    pub fn on(to: u16) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let tap = Tap { port, there: Ear::default(), back: Ear::default() };
        let ears = [tap.there.clone(), tap.back.clone()];
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // An end that is not there ends its connection, as a cable would.
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let (Ok(near2), Ok(far2)) = (near.try_clone(), far.try_clone()) else { continue };
                for ((from, to), ear) in [(near, far2), (far, near2)].into_iter().zip(&ears) {
                    let ear = ear.clone();
                    std::thread::spawn(move || carry(from, to, &ear));
                }
            }
        });
        tap
    }

    /// All that was said towards the port.
    pub fn there(&self) -> Vec<u8> {
        heard(&self.there)
    }

    /// All that came back.
    pub fn back(&self) -> Vec<u8> {
        heard(&self.back)
    }
}

fn heard(ear: &Ear) -> Vec<u8> {
    ear.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn carry(mut from: TcpStream, mut to: TcpStream, ear: &Ear) {
    let mut bytes = [0; 16_384];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        ear.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..n]);
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

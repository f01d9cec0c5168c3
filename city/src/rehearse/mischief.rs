//! Commands that somebody else sends: each with one thing wrong, or with nothing wrong but haste.

use edge_agent::agent::Arrived;
use model::time::Moment;
use std::time::Duration;
use uuid::Uuid;
use wire::{
    codec,
    command::{Body, Command},
    message::Rung,
    topic::CommandCode,
};

/// Draws one: `clock` and `tick` are the agent's, `newest` is the last command that passed its fence.
pub(super) fn draw(
    rng: &mut fastrand::Rng,
    clock: Moment,
    tick: u64,
    newest: &Command,
    epoch: u64,
    stages: u16,
) -> Arrived {
    let second = Duration::from_secs(1);
    // Nothing is wrong with it, and only the guard can know that it comes too soon.
    let mut command = Command {
        cmd_id: Uuid::from_u128(rng.u128(..)),
        epoch,
        seq: newest.seq + 1,
        ref_tick: tick,
        expires_at: clock + 4 * second,
        lease_s: rng.u32(1..20),
        body: Body::Stage(rng.u16(1..=stages.max(1))),
        ..newest.clone()
    };
    let mut retain = false;
    let mut code = None;
    let mut payload = None;
    match rng.u8(0..20) {
        0 => command = newest.clone(),
        1 => command.seq = newest.seq,
        2 => command.seq = newest.seq.saturating_sub(rng.u64(1..1_000)),
        3 => command.epoch = epoch.saturating_sub(rng.u64(1..4)),
        4 => command.boot_id = Uuid::from_u128(rng.u128(..)),
        5 => command.config_hash ^= 1 << rng.u32(0..32),
        6 => command.ref_tick = tick.saturating_sub(rng.u64(3_001..100_000)),
        7 => command.ref_tick = tick + rng.u64(1..100_000),
        8 => command.expires_at = clock - second * rng.u32(0..100),
        9 => command.lease_s = if rng.bool() { 0 } else { rng.u32(121..u32::MAX) },
        10 => retain = true,
        11 => code = Some(CommandCode::Plan),
        12 => payload = Some((0..rng.usize(0..200)).map(|_| rng.u8(..)).collect::<Vec<u8>>()),
        13 => command.body = Body::Plan(rng.u16(..)),
        14 => command.body = Body::Mode(if rng.bool() { Rung::Dark } else { Rung::Adaptive }),
        15 => command.body = Body::Stage(rng.u16(..)),
        _ => {}
    }
    let code = code.unwrap_or_else(|| command.body.code());
    Arrived {
        code,
        payload: payload.unwrap_or_else(|| codec::encode(&command)).into(),
        retain,
        response_topic: Some(format!("mow/centre/nobody/result/{}", code.as_str())),
        correlation: None,
    }
}

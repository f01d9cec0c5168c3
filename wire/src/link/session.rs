//! One connection after another, until the link ends.

use super::{
    BACKOFF, CONNECT_PATIENCE, Delivery, FILTERS_PER_PACKET, HANDED, Incoming, LARGEST_PACKET, LinkConfig,
    Message, Outgoing, PATIENCE, RENEWAL_EVERY, Shared, count, lock,
    tls::{Certificates, TlsError},
};
use bytes::Bytes;
use rumqttc::v5::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions,
    mqttbytes::{
        QoS,
        v5::{
            ConnectProperties, Filter, LastWill, Packet, PubAckReason, PublishProperties, SubscribeReasonCode,
        },
    },
};
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};
use tokio::time::{Instant, timeout};

/// Connects and connects again.
pub(super) async fn run(config: LinkConfig, shared: Arc<Shared>) {
    let mut failures = 0u32;
    // What was said last of a broker that lets nobody in: once for each reason, not at each try.
    let mut said = String::new();
    let mut certificates = config.tls.clone().map(Certificates::new);
    while !shared.closing.is_cancelled() {
        let mut session = Session::new(&config, &shared);
        let ended = session.live(&mut certificates).await;
        let was_up = shared.up.swap(false, Ordering::AcqRel);
        let unsent = session.unacknowledged();
        lock(&shared.waiting).take_back(unsent, |m| shared.drop_counted(Some(m)));
        shared.settled.notify_waiters();
        let Err(reason) = ended else { break };
        if was_up {
            failures = 0;
            said.clear();
            tracing::warn!(error = reason, broker = config.host, port = config.port, "broker link lost");
            shared.arrive(Incoming::Disconnected(reason));
        } else {
            if said != reason {
                tracing::warn!(error = reason, broker = config.host, port = config.port, "no broker link");
                said.clone_from(&reason);
            }
            if failures == 0 {
                shared.arrive(Incoming::Disconnected(reason));
            }
        }
        let limit = BACKOFF.0.saturating_mul(1 << failures.min(6)).min(BACKOFF.1);
        failures += 1;
        let _ = timeout(limit.mul_f64(fastrand::f64()), shared.closing.cancelled()).await;
    }
    shared.closed.cancel();
}

/// One connection. The library's state never outlives it: what it would forget, we keep.
struct Session<'a> {
    config: &'a LinkConfig,
    shared: &'a Shared,
    /// Handed to the library, not yet on the wire; in order.
    handed: VecDeque<Outgoing>,
    /// On the wire and not yet acknowledged: place in the order of sending, packet id, message.
    inflight: VecDeque<(u64, u16, Outgoing)>,
    sent_kept: u64,
    handed_kept: usize,
    window: usize,
    /// Filters that the broker has not been asked for yet.
    filters: Vec<String>,
    /// SUBSCRIBE packets not yet acknowledged.
    subscriptions: usize,
}

impl<'a> Session<'a> {
    fn new(config: &'a LinkConfig, shared: &'a Shared) -> Session<'a> {
        Session {
            config,
            shared,
            handed: VecDeque::new(),
            inflight: VecDeque::new(),
            sent_kept: 0,
            handed_kept: 0,
            window: config.in_flight,
            filters: Vec::new(),
            subscriptions: 0,
        }
    }

    fn unacknowledged(&mut self) -> Vec<Outgoing> {
        self.inflight.drain(..).map(|(.., m)| m).chain(self.handed.drain(..)).collect()
    }

    /// Lives until the connection is lost (`Err`, with the reason) or the link is closed (`Ok`).
    async fn live(&mut self, certificates: &mut Option<Certificates>) -> Result<(), String> {
        let options = options(self.config, certificates).map_err(|e| e.to_string())?;
        let (client, mut events) = AsyncClient::new(options, HANDED);
        let mut look = tokio::time::interval(RENEWAL_EVERY);
        let silence = self.config.keep_alive.mul_f64(1.5);
        let mut heard = Instant::now();
        let mut connecting = Some(heard + CONNECT_PATIENCE);
        loop {
            // The library's `poll` is not safe to cancel half-way through a write, so one call stays pinned
            // until it is done, while we go on handing over messages.
            let mut renewed = false;
            let event = {
                let poll = events.poll();
                tokio::pin!(poll);
                loop {
                    if connecting.is_none() {
                        self.hand_over(&client);
                    }
                    tokio::select! {
                        event = &mut poll => break event,
                        () = self.shared.wake.notified() => {}
                        () = self.shared.closing.cancelled() => {
                            if connecting.is_some() {
                                return Ok(());
                            }
                            break Err(ConnectionError::RequestsDone);
                        }
                        _ = look.tick(), if certificates.is_some() => {
                            renewed |= connecting.is_none() && certificates.as_ref().is_some_and(Certificates::renewed);
                        }
                        // A frozen broker can hold `poll` for ever inside a write: give up from outside.
                        () = tokio::time::sleep_until(connecting.unwrap_or(heard + silence)) => {
                            return Err(match connecting {
                                Some(_) => format!("no answer within {CONNECT_PATIENCE:?}"),
                                None => format!("silent for {silence:?}"),
                            });
                        }
                    }
                }
            };
            if self.shared.closing.is_cancelled() {
                let _ = timeout(PATIENCE, goodbye(&client, &mut events)).await;
                return Ok(());
            }
            match event.map_err(|e| e.to_string())? {
                Event::Outgoing(rumqttc::Outgoing::Publish(id)) => self.on_the_wire(id),
                Event::Outgoing(_) => {}
                Event::Incoming(packet) => {
                    heard = Instant::now();
                    if let Packet::ConnAck(ack) = &packet {
                        let theirs = ack.properties.as_ref().and_then(|p| p.receive_max);
                        // Half of what the broker allows: packet ids of subscriptions come out of the same
                        // small circle, and a collision stalls the library.
                        let own = self.config.in_flight;
                        self.window = theirs.map_or(own, |m| own.min(usize::from(m) / 2).max(1));
                        connecting = None;
                        self.filters = lock(&self.shared.waiting).all_filters();
                        self.subscribe(&client)?;
                    }
                    self.receive(packet, &client)?;
                }
            }
            if renewed {
                // What the broker has not acknowledged is sent again over the next connection.
                let _ = timeout(PATIENCE, goodbye(&client, &mut events)).await;
                return Err("other certificates lie in the files".to_owned());
            }
        }
    }

    /// Asks for the next filters, as many at once as the library's channel has room for; with the last of them acknowledged
    /// the link is up.
    fn subscribe(&mut self, client: &AsyncClient) -> Result<(), String> {
        while !self.filters.is_empty() && self.subscriptions < HANDED / 2 {
            let chunk = self.filters.split_off(self.filters.len().saturating_sub(FILTERS_PER_PACKET));
            let filters = chunk.iter().map(|f| Filter::new(f.clone(), self.hears()));
            client.try_subscribe_many(filters).map_err(|_| format!("{chunk:?} holds no valid filter"))?;
            self.subscriptions += 1;
        }
        if self.subscriptions == 0 {
            self.come_up();
        }
        Ok(())
    }

    fn hears(&self) -> QoS {
        if self.config.acknowledge { QoS::AtLeastOnce } else { QoS::AtMostOnce }
    }

    fn come_up(&mut self) {
        count(&self.shared.counters.connected);
        self.shared.up.store(true, Ordering::Release);
        tracing::info!(
            broker = self.config.host,
            port = self.config.port,
            client = self.config.client_id,
            "broker link up"
        );
        self.shared.arrive(Incoming::Connected);
    }

    /// Gives the library as much as it can take without losing it.
    fn hand_over(&mut self, client: &AsyncClient) {
        if !self.shared.up.load(Ordering::Acquire) {
            return;
        }
        let mut waiting = lock(&self.shared.waiting);
        while let Some((filter, wanted)) = waiting.next_change() {
            let handed = match wanted {
                true => client.try_subscribe(&filter, self.hears()),
                false => client.try_unsubscribe(&filter),
            };
            if handed.is_err() {
                // The library's channel is full; it will have room after its next step.
                waiting.put_back_change((filter, wanted));
                return;
            }
        }
        while self.handed.len() < HANDED / 2 {
            let oldest = self.inflight.front().map_or(self.sent_kept, |(n, ..)| *n);
            if (self.sent_kept - oldest) as usize + self.handed_kept >= self.window {
                return;
            }
            let Some(message) = waiting.pop(|m| self.shared.drop_counted(Some(m))) else { return };
            if !rumqttc::valid_topic(&message.topic) {
                tracing::error!(topic = message.topic, "not a topic that can be published to");
                waiting.under_way -= 1;
                self.shared.drop_counted(Some(message));
                continue;
            }
            if !hand(client, &message) {
                waiting.put_back(message);
                return;
            }
            self.handed_kept += usize::from(message.delivery != Delivery::Live);
            self.handed.push_back(message);
        }
    }

    fn on_the_wire(&mut self, id: u16) {
        // The library sends in the order in which it was handed.
        let Some(message) = self.handed.pop_front() else { return };
        count(&self.shared.counters.sent);
        if message.delivery == Delivery::Live {
            self.done();
            return;
        }
        self.handed_kept -= 1;
        self.inflight.push_back((self.sent_kept, id, message));
        self.sent_kept += 1;
    }

    fn done(&self) {
        let mut waiting = lock(&self.shared.waiting);
        waiting.under_way = waiting.under_way.saturating_sub(1);
        if waiting.is_settled() {
            self.shared.settled.notify_waiters();
        }
    }

    fn receive(&mut self, packet: Packet, client: &AsyncClient) -> Result<(), String> {
        match packet {
            Packet::Publish(publish) => {
                count(&self.shared.counters.received);
                let properties = publish.properties.unwrap_or_default();
                self.shared.arrive(Incoming::Message(Message {
                    topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                    payload: publish.payload,
                    retain: publish.retain,
                    response_topic: properties.response_topic,
                    correlation: properties.correlation_data,
                }));
            }
            Packet::PubAck(ack) => {
                if let Some(at) = self.inflight.iter().position(|(_, id, _)| *id == ack.pkid) {
                    let refused =
                        !matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
                    if let Some((.., message)) = self.inflight.remove(at).filter(|_| refused) {
                        tracing::warn!(topic = message.topic, reason = ?ack.reason, "the broker refused a message");
                    }
                    let counters = &self.shared.counters;
                    count(if refused { &counters.refused } else { &counters.acknowledged });
                    self.done();
                }
            }
            Packet::SubAck(ack) => {
                if let Some(code) =
                    ack.return_codes.iter().find(|c| !matches!(c, SubscribeReasonCode::Success(_)))
                {
                    return Err(format!("the broker refused a subscription: {code:?}"));
                }
                if self.subscriptions > 0 {
                    self.subscriptions -= 1;
                    self.subscribe(client)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Puts a message into the library's channel; false if that is full.
fn hand(client: &AsyncClient, message: &Outgoing) -> bool {
    let qos = if message.delivery == Delivery::Live { QoS::AtMostOnce } else { QoS::AtLeastOnce };
    let retain = message.delivery == Delivery::Retained;
    let payload: Bytes = message.payload.clone();
    if message.response_topic.is_none() && message.correlation.is_none() {
        return client.try_publish(&message.topic, qos, retain, payload).is_ok();
    }
    let properties = PublishProperties {
        message_expiry_interval: message.expiry_s(),
        response_topic: message.response_topic.clone(),
        correlation_data: message.correlation.clone(),
        ..PublishProperties::default()
    };
    client.try_publish_with_properties(&message.topic, qos, retain, payload, properties).is_ok()
}

/// Says DISCONNECT, so that the broker forgets the will.
async fn goodbye(client: &AsyncClient, events: &mut EventLoop) {
    if client.try_disconnect().is_err() {
        return;
    }
    while let Ok(event) = events.poll().await {
        if matches!(event, Event::Outgoing(rumqttc::Outgoing::Disconnect)) {
            return;
        }
    }
}

fn options(config: &LinkConfig, certificates: &mut Option<Certificates>) -> Result<MqttOptions, TlsError> {
    // rumqttd takes none of these in an id, and dies of the second try after such a refusal.
    let client_id = config.client_id.replace(['/', '+', '#', '$'], ".");
    let mut options = MqttOptions::new(client_id, &config.host, config.port);
    let mut properties = ConnectProperties::new();
    // A broker must never keep a command for us.
    properties.session_expiry_interval = Some(0);
    properties.max_packet_size = Some(LARGEST_PACKET);
    options.set_clean_start(true);
    options.set_keep_alive(config.keep_alive);
    options.set_connection_timeout(CONNECT_PATIENCE.as_secs());
    options.set_connect_properties(properties);
    options.set_outgoing_inflight_upper_limit(u16::try_from(2 * config.in_flight).unwrap_or(u16::MAX));
    if let Some(credentials) = &config.credentials {
        options.set_credentials(&credentials.username, &credentials.password);
    }
    if let Some(will) = &config.will {
        options.set_last_will(LastWill::new(&will.topic, will.payload.clone(), QoS::AtLeastOnce, true, None));
    }
    // Signals are small and urgent: Nagle's algorithm would hold the second of two for a round trip.
    let mut network = rumqttc::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    if let Some(certificates) = certificates {
        let tls = rumqttc::TlsConfiguration::Rustls(certificates.current()?);
        options.set_transport(rumqttc::Transport::tls_with_config(tls));
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_wait_between_tries_is_bounded() {
        for failures in [0u32, 3, 6, 50] {
            let limit = BACKOFF.0.saturating_mul(1 << failures.min(6)).min(BACKOFF.1);
            assert!(limit <= Duration::from_secs(20) && limit >= Duration::from_millis(500));
        }
    }
}

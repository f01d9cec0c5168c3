// A node at the broker of a benchmark's city, MQTT 5 at QoS 0.

import { connect } from "node:net";
import mqtt from "mqtt-packet";

const MQTT_5 = { protocolVersion: 5 };

/** Connects; `heard` takes topic and payload of what is subscribed to. */
export function attach(port, clientId, { opened, heard, lost = () => {} }) {
  const socket = connect(port, "127.0.0.1");
  const parser = mqtt.parser(MQTT_5);
  const send = (packet) => socket.write(mqtt.generate(packet, MQTT_5));
  const node = {
    publish: (topic, payload) => send({ cmd: "publish", topic, payload: Buffer.from(payload), qos: 0, retain: false }),
    subscribe: (topic) => send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 0 }] }),
    destroy: () => socket.destroy(),
  };
  socket.on("data", (data) => parser.parse(data));
  socket.on("error", lost);
  socket.on("close", () => lost(null));
  parser.on("packet", ({ cmd, topic, payload }) => {
    if (cmd === "connack") opened(node);
    if (cmd === "publish") heard(topic, payload);
  });
  send({ cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clean: true, clientId, keepalive: 0 });
  return node;
}

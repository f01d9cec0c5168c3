//! To be filled: the broker link, the one module that names rumqttc.

//! To be filled: the Modbus register map of a device.

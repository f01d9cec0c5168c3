"""Two traffic light controllers on one Modbus line, by pymodbus, one of which thinks too long now and then.

slave.py tcp PORT | rtu-over-tcp PORT | serial LINK     LINK becomes a link to the agent's end of the line
"""

import asyncio
import os
import sys
import threading
import tty

from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

LAMPS, AGES = 100, 300
SLOW = 0.7


def device(unit):
    report = [0] * 4000
    report[0], report[4] = 1, 3  # layout, groups
    report[LAMPS : LAMPS + 3] = [0, 2, 0]
    report[AGES : AGES + 3] = [unit * 1000 + n for n in (1, 2, 3)]
    asked = 0

    async def think(function, start, address, count, registers, values):
        nonlocal asked
        if unit == 1 and function == 4 and address in (LAMPS, AGES):
            asked += 1
            if asked % 7 == 0:
                print("slow", flush=True)
                await asyncio.sleep(SLOW)

    block = lambda values: [SimData(0, values=values, datatype=DataType.REGISTERS)]
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    return SimDevice(unit, simdata=(bits, bits, block([0] * 16), block(report)), action=think)


def cable():
    """Two ends of one serial line."""
    ends = [os.openpty(), os.openpty()]
    for _, end in ends:
        tty.setraw(end)

    def carry(source, sink):
        while True:
            os.write(sink, os.read(source, 256))

    (a, _), (b, _) = ends
    for pair in ((a, b), (b, a)):
        threading.Thread(target=carry, args=pair, daemon=True).start()
    return [os.ttyname(end) for _, end in ends]


async def main(way, at):
    devices = [device(1), device(2)]
    if way == "serial":
        near, far = cable()
        os.symlink(far, at)
        server = ModbusSerialServer(devices, framer=FramerType.RTU, port=near, baudrate=19200)
    else:
        framer = FramerType.RTU if way == "rtu-over-tcp" else FramerType.SOCKET
        server = ModbusTcpServer(devices, framer=framer, address=("127.0.0.1", int(at)))
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))

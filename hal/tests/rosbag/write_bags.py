#!/usr/bin/env python3
"""Writes one short drive as rosbag2 files with other people's writers: PyPI rosbags (SQLite and MCAP) and PyPI mcap.

Usage: write_bags.py FOLDER          every storage, one folder or file each
       write_bags.py --golden FILE   the small SQLite file beside this script (its pages are of 512 bytes, so that a
                                     few messages already make trees and overflow chains)

Needs the PyPI packages rosbags and mcap.
"""

import sqlite3
import sys
from pathlib import Path

import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
T = STORE.types
EPOCH = 1_700_000_000 * 10**9


def header(at, frame):
    at += EPOCH
    stamp = T["builtin_interfaces/msg/Time"](sec=at // 10**9, nanosec=at % 10**9)
    return T["std_msgs/msg/Header"](stamp=stamp, frame_id=frame)


def imu(at):
    vector, nine = T["geometry_msgs/msg/Vector3"], np.zeros(9)
    none = nine.copy()
    none[0] = -1.0
    return T["sensor_msgs/msg/Imu"](
        header=header(at, "imu_link"),
        orientation=T["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
        orientation_covariance=none,
        angular_velocity=vector(x=0.01, y=-0.02, z=at * 1e-10),
        angular_velocity_covariance=nine,
        linear_acceleration=vector(x=0.1, y=0.2, z=9.81),
        linear_acceleration_covariance=nine,
    )


def fix(at):
    status = T["sensor_msgs/msg/NavSatStatus"](status=0, service=1)
    return T["sensor_msgs/msg/NavSatFix"](
        header=header(at, "gps"),
        status=status,
        latitude=49.0 + at * 1e-16,
        longitude=8.4,
        altitude=float("nan"),
        position_covariance=np.eye(3).flatten(),
        position_covariance_type=2,
    )


def odometry(at):
    vector = T["geometry_msgs/msg/Vector3"]
    twist = T["geometry_msgs/msg/Twist"](linear=vector(x=5.0, y=0.0, z=0.0), angular=vector(x=0.0, y=0.0, z=0.0))
    pose = T["geometry_msgs/msg/Pose"](
        position=T["geometry_msgs/msg/Point"](x=0.0, y=0.0, z=0.0),
        orientation=T["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
    )
    return T["nav_msgs/msg/Odometry"](
        header=header(at, "odom"),
        child_frame_id="base_link",
        pose=T["geometry_msgs/msg/PoseWithCovariance"](pose=pose, covariance=np.zeros(36)),
        twist=T["geometry_msgs/msg/TwistWithCovariance"](twist=twist, covariance=np.zeros(36)),
    )


def cloud(at, count):
    """The layout of velodyne_pointcloud: x y z intensity ring time, 22 bytes a point."""
    points = np.zeros(
        count,
        dtype=[("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("intensity", "<f4"), ("ring", "<u2"), ("time", "<f4")],
    )
    k = np.arange(count)
    points["x"], points["y"], points["z"] = 5 + k % 7, 3 - k % 5, -1.5 + k % 3
    points["intensity"], points["ring"], points["time"] = 0.5, k % 16, -0.1 + 0.1 * k / count
    points["x"][::9] = np.nan
    field, codes = T["sensor_msgs/msg/PointField"], {"<f4": 7, "<u2": 4}
    fields = [
        field(name=name, offset=points.dtype.fields[name][1], datatype=codes[points.dtype[name].str], count=1)
        for name in points.dtype.names
    ]
    return T["sensor_msgs/msg/PointCloud2"](
        header=header(at, "velodyne"),
        height=1,
        width=count,
        fields=fields,
        is_bigendian=False,
        point_step=points.dtype.itemsize,
        row_step=points.nbytes,
        data=np.frombuffer(points.tobytes(), np.uint8),
        is_dense=False,
    )


def image(at):
    return T["sensor_msgs/msg/Image"](
        header=header(at, "camera"),
        height=4,
        width=6,
        encoding="bayer_rggb8",
        is_bigendian=0,
        step=6,
        data=np.arange(24, dtype=np.uint8),
    )


def drive(seconds, points):
    """(topic, message, instant of recording), in the order of recording."""
    for at in range(0, int(seconds * 10**9), 10**7):
        yield "/imu/data", imu(at), EPOCH + at + 3 * 10**6
        yield "/odometry/wheels", odometry(at), EPOCH + at + 4 * 10**6
        if at % 10**8 == 0:
            yield "/gps/fix", fix(at), EPOCH + at + 8 * 10**6
            yield "/velodyne_points", cloud(at, points), EPOCH + at + 5 * 10**6
            yield "/camera/image_raw", image(at), EPOCH + at + 9 * 10**6


def with_rosbags(folder, plugin, compression, messages):
    writer = Writer(folder, version=9, storage_plugin=plugin)
    if compression:
        writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        connections = {}
        for topic, message, at in messages:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, message.__msgtype__, typestore=STORE)
            writer.write(connections[topic], at, STORE.serialize_cdr(message, message.__msgtype__))


def with_mcap(path, compression, chunks, messages):
    from mcap.writer import CompressionType
    from mcap.writer import Writer as McapWriter

    with path.open("wb") as stream:
        writer = McapWriter(
            stream,
            chunk_size=20_000,
            compression=CompressionType[compression],
            use_chunking=chunks,
            use_summary_offsets=chunks,
            repeat_channels=chunks,
            repeat_schemas=chunks,
        )
        writer.start(profile="ros2")
        channels = {}
        for topic, message, at in messages:
            if topic not in channels:
                schema = writer.register_schema(name=message.__msgtype__, encoding="ros2msg", data=b"")
                channels[topic] = writer.register_channel(schema_id=schema, topic=topic, message_encoding="cdr")
            data = bytes(STORE.serialize_cdr(message, message.__msgtype__))
            writer.add_message(channels[topic], log_time=at, publish_time=at, data=data)
        writer.finish()


def main():
    if sys.argv[1] == "--golden":
        path = Path(sys.argv[2])
        work = path.with_suffix(".work")
        with_rosbags(work, StoragePlugin.SQLITE3, None, drive(0.12, 40))
        (database,) = work.glob("*.db3")
        connection = sqlite3.connect(database)
        connection.execute("PRAGMA page_size = 512")
        connection.execute("VACUUM")
        connection.close()
        database.rename(path)
        (work / "metadata.yaml").unlink()
        work.rmdir()
        return
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with_rosbags(folder / "sqlite", StoragePlugin.SQLITE3, None, drive(2, 2000))
    with_rosbags(folder / "sqlite_zstd", StoragePlugin.SQLITE3, CompressionMode.MESSAGE, drive(2, 2000))
    with_rosbags(folder / "mcap", StoragePlugin.MCAP, None, drive(2, 2000))
    for compression in ("ZSTD", "LZ4", "NONE"):
        with_mcap(folder / f"chunks_{compression.lower()}.mcap", compression, True, drive(2, 2000))
    with_mcap(folder / "no_chunks.mcap", "NONE", False, drive(2, 2000))


if __name__ == "__main__":
    main()

/* The gate of Auriga behind a C interface. Written by hand beside src/; tests/suite.c holds the two together.
 *
 * Units: metres, seconds, radians, m/s, m/s^2, m/s^3, N*m; stamps are nanoseconds of one clock that never runs back.
 * Angles are the front wheel's, positive to the left. Read "The states" in the documentation of auriga-safety. */
#ifndef AURIGA_GATE_H
#define AURIGA_GATE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AURIGA_GATE_ABI 1u
#define AURIGA_OK 0
#define AURIGA_NULL (-1)
#define AURIGA_NOT_REFUSED 255

enum { AURIGA_DISENGAGE = 0, AURIGA_SUPERVISED = 1, AURIGA_AUTOMATED = 2 };

enum {
    AURIGA_SILENT = 0,
    AURIGA_ENGAGED = 1,
    AURIGA_EMERGENCY_BRAKING = 2,
    AURIGA_EMERGENCY_HOLD = 3,
    AURIGA_MINIMAL_RISK_STOP = 4,
    AURIGA_STANDSTILL_HOLD = 5
};

typedef struct AurigaGate AurigaGate;

typedef struct {
    uint32_t rows;
    double speed_mps[8];
    double limit[8];
} AurigaSpeedTable;

typedef struct {
    AurigaSpeedTable lateral_acceleration_mps2;
    AurigaSpeedTable lateral_jerk_mps3;
    AurigaSpeedTable acceleration_mps2;
    AurigaSpeedTable deceleration_mps2;
    AurigaSpeedTable jerk_up_mps3;
    AurigaSpeedTable jerk_down_mps3;
    double minimal_risk_deceleration_mps2;
} AurigaEnvelope;

typedef struct {
    double wheelbase_m;
    double front_m;
    double rear_m;
    double width_m;
    double max_steering_angle_rad;
    double max_steering_rate_rad_s;
    double max_deceleration_mps2;
    double max_acceleration_mps2;
} AurigaVehicleLimits;

typedef struct {
    AurigaVehicleLimits vehicle;
    AurigaEnvelope supervised;
    AurigaEnvelope automated;
    int64_t vehicle_state_timeout_ns;
    int64_t obstacle_timeout_ns;
    int64_t command_timeout_ns;
    int64_t engage_timeout_ns;
    double driver_torque_nm;
    double driver_brake;
    double driver_gas;
    double emergency_deceleration_mps2;
    double emergency_reaction_s;
    double emergency_margin_m;
    double emergency_clearance_m;
    double emergency_release_distance_m;
    int64_t emergency_release_ns;
    double standstill_speed_mps;
    uint8_t emergency_braking;
} AurigaGateConfig;

/* A group counts only when its has_ is not 0. obstacle_distance_m may be INFINITY: nothing was seen. */
typedef struct {
    uint8_t has_vehicle;
    uint8_t has_obstacle;
    uint8_t has_closing_speed;
    uint8_t has_engage;
    uint8_t has_command;
    uint8_t engage;
    int64_t vehicle_stamp_ns;
    double speed_mps;
    double steering_angle_rad;
    double driver_torque_nm;
    double driver_brake;
    double driver_gas;
    int64_t obstacle_stamp_ns;
    double obstacle_distance_m;
    double obstacle_closing_speed_mps;
    int64_t engage_stamp_ns;
    int64_t command_stamp_ns;
    double wanted_steering_angle_rad;
    double wanted_acceleration_mps2;
} AurigaGateInputs;

typedef struct {
    int64_t stamp_ns;
    double steering_angle_rad;
    double acceleration_mps2;
    uint8_t active; /* 0: nothing may be sent */
    uint8_t hold;
    uint8_t state;
    uint8_t reason;
    uint8_t changed;
    uint8_t mode; /* 0 silent, 1 supervised, 2 automated */
    uint8_t refused; /* AURIGA_NOT_REFUSED, or why a request to engage waits */
    uint8_t steering_limited;
    uint8_t acceleration_limited;
} AurigaSafeCommand;

typedef struct {
    uint64_t ticks;
    uint64_t active_ticks;
    uint64_t transitions;
    uint64_t steering_limited;
    uint64_t acceleration_limited;
    uint64_t vehicle_states_refused;
    uint64_t obstacles_refused;
    uint64_t commands_refused;
    uint64_t engagements_refused;
    uint64_t clock_went_back;
    uint64_t silenced;
    uint64_t emergencies;
    uint64_t minimal_risk_stops;
} AurigaCounters;

/* The library's version of this interface; compare it with AURIGA_GATE_ABI. */
uint32_t auriga_gate_abi(void);

/* Writes the default configuration for a vehicle. */
int auriga_gate_defaults(const AurigaVehicleLimits *vehicle, AurigaGateConfig *config);

/* A silent gate, or NULL: then the field at fault is written to `field`, which may be NULL. Free it once. */
AurigaGate *auriga_gate_new(const AurigaGateConfig *config, char *field, size_t field_size);
void auriga_gate_free(AurigaGate *gate);

/* One tick. To be called every tick, with or without news, by one thread. No allocation, constant work. */
int auriga_gate_step(AurigaGate *gate, int64_t now_ns, const AurigaGateInputs *inputs, AurigaSafeCommand *command);

int auriga_gate_counters(const AurigaGate *gate, AurigaCounters *counters);

/* Names for people. */
const char *auriga_gate_state_name(uint8_t state);
const char *auriga_gate_reason_name(uint8_t reason);

#ifdef __cplusplus
}
#endif
#endif

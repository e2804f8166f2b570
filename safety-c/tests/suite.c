/* A foreign suite: asks the gate, through its C interface, what a suite for a car's safety code asks. */
#include "auriga_gate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);          \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

static const int64_t TICK_NS = 10000000;
static const AurigaVehicleLimits SEDAN = {2.8, 3.7, 1.0, 1.9, 0.6, 0.8, 8.0, 3.0};

typedef struct {
    AurigaGate *gate;
    AurigaGateInputs in;
    int64_t now_ns;
    int vehicle_lives, obstacle_lives, command_lives;
} Rig;

static Rig rig_new(void) {
    AurigaGateConfig config;
    Rig rig;
    memset(&rig, 0, sizeof rig);
    CHECK(auriga_gate_defaults(&SEDAN, &config) == AURIGA_OK);
    rig.gate = auriga_gate_new(&config, NULL, 0);
    CHECK(rig.gate != NULL);
    rig.in.speed_mps = 10.0;
    rig.in.obstacle_distance_m = INFINITY;
    rig.vehicle_lives = rig.obstacle_lives = rig.command_lives = 1;
    return rig;
}

static AurigaSafeCommand tick(Rig *rig) {
    AurigaSafeCommand out;
    rig->now_ns += TICK_NS;
    if (rig->vehicle_lives) rig->in.has_vehicle = 1, rig->in.vehicle_stamp_ns = rig->now_ns;
    if (rig->obstacle_lives) rig->in.has_obstacle = 1, rig->in.obstacle_stamp_ns = rig->now_ns;
    if (rig->command_lives) rig->in.has_command = 1, rig->in.command_stamp_ns = rig->now_ns;
    CHECK(auriga_gate_step(rig->gate, rig->now_ns, &rig->in, &out) == AURIGA_OK);
    return out;
}

static AurigaSafeCommand press(Rig *rig, uint8_t what) {
    rig->in.has_engage = 1;
    rig->in.engage = what;
    rig->in.engage_stamp_ns = rig->now_ns + TICK_NS;
    return tick(rig);
}

static void silent_by_default(void) {
    Rig rig = rig_new();
    rig.in.wanted_acceleration_mps2 = 2.0;
    for (int i = 0; i < 100; i++) {
        AurigaSafeCommand out = tick(&rig);
        CHECK(!out.active && out.steering_angle_rad == 0.0 && out.acceleration_mps2 == 0.0);
    }
    CHECK(press(&rig, AURIGA_SUPERVISED).active);
    auriga_gate_free(rig.gate);
}

static void acceleration_limits(uint8_t mode, double most, double least) {
    Rig rig = rig_new();
    press(&rig, mode);
    for (double wanted = -12.0; wanted <= 12.0; wanted += 0.25) {
        double last = 0.0;
        rig.in.wanted_acceleration_mps2 = wanted;
        for (int i = 0; i < 800; i++) last = tick(&rig).acceleration_mps2;
        CHECK(fabs(last - fmin(fmax(wanted, least), most)) < 1e-9);
    }
    auriga_gate_free(rig.gate);
}

static void steering_rate_in_real_time(void) {
    Rig rig = rig_new();
    double before = 0.0;
    rig.in.speed_mps = 1.0;
    press(&rig, AURIGA_AUTOMATED);
    for (int i = 0; i < 500; i++) {
        rig.in.wanted_steering_angle_rad = i / 100 % 2 ? -0.6 : 0.6;
        double angle = tick(&rig).steering_angle_rad;
        CHECK(fabs(angle - before) <= 0.8 * 0.01 + 1e-12);
        before = angle;
    }
    auriga_gate_free(rig.gate);
}

static void the_driver_ends_it(void) {
    double *fields[] = {0, 0, 0};
    for (int which = 0; which < 3; which++) {
        Rig rig = rig_new();
        fields[0] = &rig.in.driver_torque_nm, fields[1] = &rig.in.driver_brake, fields[2] = &rig.in.driver_gas;
        CHECK(press(&rig, AURIGA_AUTOMATED).active);
        *fields[which] = which == 0 ? -3.0 : 0.05;
        AurigaSafeCommand out = tick(&rig);
        CHECK(!out.active && out.state == AURIGA_SILENT && out.changed);
        *fields[which] = 0.0;
        CHECK(!tick(&rig).active);
        auriga_gate_free(rig.gate);
    }
}

static void silence_of_an_input_is_doubt(void) {
    const int ticks[] = {10, 35, 10};
    for (int which = 0; which < 3; which++) {
        Rig rig = rig_new();
        AurigaSafeCommand out = press(&rig, AURIGA_SUPERVISED);
        *(which == 0 ? &rig.vehicle_lives : which == 1 ? &rig.obstacle_lives : &rig.command_lives) = 0;
        for (int i = 0; i < ticks[which]; i++) CHECK(tick(&rig).state == AURIGA_ENGAGED);
        out = tick(&rig);
        CHECK(out.state == AURIGA_MINIMAL_RISK_STOP && out.acceleration_mps2 == -2.5);
        CHECK(strstr(auriga_gate_reason_name(out.reason), "missing"));
        auriga_gate_free(rig.gate);
    }
}

static void it_brakes_by_itself_and_holds(void) {
    Rig rig = rig_new();
    AurigaCounters counters;
    press(&rig, AURIGA_AUTOMATED);
    rig.in.obstacle_distance_m = 9.0;
    AurigaSafeCommand out = tick(&rig);
    CHECK(out.state == AURIGA_EMERGENCY_BRAKING && out.acceleration_mps2 == -8.0);
    rig.in.speed_mps = 0.0;
    out = tick(&rig);
    CHECK(out.state == AURIGA_EMERGENCY_HOLD && out.hold);
    CHECK(!strcmp(auriga_gate_state_name(out.state), "emergency hold"));
    CHECK(auriga_gate_counters(rig.gate, &counters) == AURIGA_OK);
    CHECK(counters.emergencies == 1 && counters.ticks == 3 && counters.transitions == 3);
    auriga_gate_free(rig.gate);
}

static void garbage_is_no_input(void) {
    const double garbage[] = {NAN, INFINITY, -INFINITY, 1e300};
    for (int i = 0; i < 4; i++) {
        Rig rig = rig_new();
        AurigaSafeCommand out = press(&rig, AURIGA_AUTOMATED);
        rig.in.wanted_steering_angle_rad = garbage[i];
        for (int j = 0; j < 12; j++) {
            out = tick(&rig);
            CHECK(out.steering_angle_rad == 0.0 && out.acceleration_mps2 <= 0.0);
        }
        CHECK(out.state == AURIGA_MINIMAL_RISK_STOP);
        auriga_gate_free(rig.gate);
    }
}

static void wrong_use_is_answered(void) {
    AurigaGateConfig config;
    AurigaSafeCommand out;
    AurigaCounters counters;
    char field[64], two[3];
    CHECK(auriga_gate_defaults(NULL, &config) == AURIGA_NULL);
    CHECK(auriga_gate_defaults(&SEDAN, NULL) == AURIGA_NULL);
    CHECK(auriga_gate_new(NULL, field, sizeof field) == NULL && !strcmp(field, "config"));
    CHECK(auriga_gate_defaults(&SEDAN, &config) == AURIGA_OK);
    config.driver_brake = -1.0;
    CHECK(auriga_gate_new(&config, field, sizeof field) == NULL && !strcmp(field, "driver.brake"));
    CHECK(auriga_gate_new(&config, two, sizeof two) == NULL && !strcmp(two, "dr"));
    CHECK(auriga_gate_new(&config, NULL, 0) == NULL);
    config.driver_brake = 0.05;
    config.automated.jerk_up_mps3.rows = 9;
    CHECK(auriga_gate_new(&config, field, sizeof field) == NULL && !strcmp(field, "rows"));
    out.active = 1;
    CHECK(auriga_gate_step(NULL, 0, NULL, &out) == AURIGA_NULL && !out.active);
    CHECK(auriga_gate_step(NULL, 0, NULL, NULL) == AURIGA_NULL);
    CHECK(auriga_gate_counters(NULL, &counters) == AURIGA_NULL);
    CHECK(!strcmp(auriga_gate_state_name(77), "unknown") && !strcmp(auriga_gate_reason_name(77), "unknown"));
    auriga_gate_free(NULL);
}

int main(void) {
    CHECK(auriga_gate_abi() == AURIGA_GATE_ABI);
    silent_by_default();
    acceleration_limits(AURIGA_SUPERVISED, 2.0, -3.5);
    acceleration_limits(AURIGA_AUTOMATED, 3.0, -8.0);
    steering_rate_in_real_time();
    the_driver_ends_it();
    silence_of_an_input_is_doubt();
    it_brakes_by_itself_and_holds();
    garbage_is_no_input();
    wrong_use_is_answered();
    puts("the gate holds");
    return 0;
}

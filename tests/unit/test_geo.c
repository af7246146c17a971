#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/geo.h"

/* Reference and point in 1e-7 degree, and the length of the geodesic by Vincenty's formulae on WGS 84 (within 0.5 mm). */
static const struct {
    int32_t from_latitude;
    int32_t from_longitude;
    int32_t to_latitude;
    int32_t to_longitude;
    double distance_m;
} known[] = {
    {522053000, 1218000, 524548000, -1057000, 31800.95}, /* Cambridge to Ramsey */
    {522053000, 1218000, 522053000, 1232000, 95.71},
    {522053000, 1218000, 522062000, 1218000, 100.14},
    {522053000, 1218000, 522053000, 8200000, 47731.14},
    {522053000, 1218000, 525541000, 5712000, 49425.53},
    {501000000, -55000000, 504000000, -50000000, 48839.54},
    {601500000, -11500000, 599000000, -6000000, 41427.46},
    {0, 1799000000, 1000000, -1799000000, 24858.55}, /* across the date line */
    {-339000000, 1512000000, -337000000, 1514000000, 28898.34},
};

static void project__distances_are_good_to_a_thousandth(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct geo_point from = {known[i].from_latitude, known[i].from_longitude};
        struct geo_point to = {known[i].to_latitude, known[i].to_longitude};
        double x;
        double y;

        geo_project(&from, &to, &x, &y);
        assert_true(fabs(hypot(x, y) - known[i].distance_m) <= 0.001 * known[i].distance_m);
        geo_project(&to, &from, &x, &y);
        assert_true(fabs(hypot(x, y) - known[i].distance_m) <= 0.001 * known[i].distance_m);
    }
}

static void project__east_and_north_are_positive_and_whole_centimetres(void **state)
{
    struct geo_point reference = {522053000, 1218000};
    struct geo_point north_east = {522053001, 1218001};
    struct geo_point south_west = {522052999, 1217999};
    double x;
    double y;

    (void)state;
    geo_project(&reference, &reference, &x, &y);
    assert_true(x == 0 && y == 0);
    geo_project(&reference, &north_east, &x, &y); /* 1e-7 degree: 7 mm east, 11 mm north */
    assert_true(x == 0.01 && y == 0.01);
    geo_project(&reference, &south_west, &x, &y);
    assert_true(x == -0.01 && y == -0.01);
}

/* Two points near a reference keep their distance: what the rule compares is the two officers, not the reference. */
static void project__two_points_near_the_reference_keep_their_distance(void **state)
{
    struct geo_point reference = {522053000, 1218000};
    struct geo_point one = {522353000, 1218000}; /* 3.3 km north */
    struct geo_point other = {522353000, 1818000};
    double x1;
    double y1;
    double x2;
    double y2;
    double direct_x;
    double direct_y;

    (void)state;
    geo_project(&reference, &one, &x1, &y1);
    geo_project(&reference, &other, &x2, &y2);
    geo_project(&one, &other, &direct_x, &direct_y);
    assert_true(fabs(hypot(x2 - x1, y2 - y1) - hypot(direct_x, direct_y)) < 0.001 * direct_x);
}

static void valid__latitude_within_90_and_longitude_within_180(void **state)
{
    static const struct geo_point good[] = {{0, 0}, {900000000, 1800000000}, {-900000000, -1800000000}};
    static const struct geo_point bad[] = {{900000001, 0},   {-900000001, 0}, {0, 1800000001},
                                           {0, -1800000001}, {INT32_MIN, 0},  {0, INT32_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(geo_valid(&good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(geo_valid(&bad[i]));
}

static void project__extremes_stay_finite(void **state)
{
    struct geo_point corners[4] = {{900000000, 1800000000}, {-900000000, -1800000000}, {INT32_MIN, INT32_MAX}, {0, 0}};
    double x;
    double y;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            geo_project(&corners[i], &corners[j], &x, &y);
            assert_true(isfinite(x) && isfinite(y) && fabs(x) < 1e9 && fabs(y) < 1e9);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(project__distances_are_good_to_a_thousandth),
        cmocka_unit_test(project__east_and_north_are_positive_and_whole_centimetres),
        cmocka_unit_test(project__two_points_near_the_reference_keep_their_distance),
        cmocka_unit_test(valid__latitude_within_90_and_longitude_within_180),
        cmocka_unit_test(project__extremes_stay_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/geo.h"

#define DEGREE_E7 10000000
#define PI 3.14159265358979323846
/* WGS 84: semi-major axis in metres, first eccentricity squared (NGA.STND.0036). */
#define SEMI_MAJOR_M 6378137.0
#define ECCENTRICITY_SQUARED 6.69437999014e-3

bool geo_valid(const struct geo_point *point)
{
    return point->latitude_e7 >= -90 * DEGREE_E7 && point->latitude_e7 <= 90 * DEGREE_E7 &&
           point->longitude_e7 >= -180 * DEGREE_E7 && point->longitude_e7 <= 180 * DEGREE_E7;
}

/* Cosine by its series, within 1e-14 for |x| <= pi / 2: libm's last bits differ between phones, these don't. */
static double cosine(double x)
{
    double sum = 1;
    double term = 1;

    for (int i = 2; i <= 24; i += 2) {
        term *= -x * x / (double)((i - 1) * i);
        sum += term;
    }
    return sum;
}

static double round_to_centimetres(double metres)
{
    double centimetres = metres * 100;

    return (double)(int64_t)(centimetres < 0 ? centimetres - 0.5 : centimetres + 0.5) / 100;
}

/*
 * Equirectangular about the middle latitude, with the ellipsoid's two radii of curvature there: M north-south, N east-west
 * (a sphere alone would be 0.3 % out in England).
 */
void geo_project(const struct geo_point *reference, const struct geo_point *point, double *ret_x_m, double *ret_y_m)
{
    int64_t north_e7 = (int64_t)point->latitude_e7 - reference->latitude_e7;
    int64_t east_e7 = (int64_t)point->longitude_e7 - reference->longitude_e7;
    double radian = PI / 180 / DEGREE_E7;
    double cos_middle = cosine(((double)reference->latitude_e7 + (double)north_e7 / 2) * radian);
    double u = ECCENTRICITY_SQUARED * (1 - cos_middle * cos_middle);
    /* 1 / sqrt(1 - u) to within 1e-9, as u < 0.0067 */
    double inverse_root = 1 + u / 2 + 3 * u * u / 8 + 5 * u * u * u / 16;
    double radius_east_m = SEMI_MAJOR_M * inverse_root;
    double radius_north_m = SEMI_MAJOR_M * (1 - ECCENTRICITY_SQUARED) * inverse_root * inverse_root * inverse_root;

    if (east_e7 > (int64_t)180 * DEGREE_E7)
        east_e7 -= (int64_t)360 * DEGREE_E7;
    if (east_e7 < (int64_t)-180 * DEGREE_E7)
        east_e7 += (int64_t)360 * DEGREE_E7;
    *ret_x_m = round_to_centimetres(radius_east_m * cos_middle * (double)east_e7 * radian);
    *ret_y_m = round_to_centimetres(radius_north_m * (double)north_e7 * radian);
}

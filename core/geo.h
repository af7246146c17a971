/*
 * Places: from WGS 84 to metres on a plane around a reference point. Distances from the reference are good to 0.1 %
 * within 50 km of it, distances between two points to 0.1 % within 5 km of it, up to 60 degrees of latitude.
 */
#ifndef DOUBLECREW_CORE_GEO_H
#define DOUBLECREW_CORE_GEO_H

#include <stdbool.h>
#include <stdint.h>

struct geo_point {
    int32_t latitude_e7;
    int32_t longitude_e7;
};

/* Latitude within ±90°, longitude within ±180°. */
bool geo_valid(const struct geo_point *point);
/* Metres east and north of the reference, rounded to whole centimetres so that every machine agrees. */
void geo_project(const struct geo_point *reference, const struct geo_point *point, double *ret_x_m, double *ret_y_m);

#endif

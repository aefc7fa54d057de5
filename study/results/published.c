/* Published results of others to six digits; none of them is measured here.
 *
 * Source: the fev project's results of Chronos' second benchmark (27 tasks none of the Chronos-Bolt models was
 * trained on; one window each; fev 0.6.0), files seasonal_naive.csv ... auto_theta.csv, columns MASE and WQL. */
#include "study/results/published.h"

#include <math.h>
#include <string.h>

const char *const c2_published_model[C2_PUBLISHED_MODELS] = {"seasonal naive", "Bolt-tiny", "Bolt-base",
                                                             "TiRex",          "AutoETS",   "AutoTheta"};

/* Each model's MASE and WQL, in the order above. */
#define ROW(task, horizon, ...) \
  {                             \
    task, horizon, {            \
      __VA_ARGS__               \
    }                           \
  }

static const c2_published published[] = {
    ROW("ETTh", 24, 0.93162, 0.12209, 0.794123, 0.0748086, 0.747915, 0.0706217, 0.803729, 0.0807432, 1.13641, 0.132025,
        0.825005, 0.132979),
    ROW("ETTm", 24, 1.16931, 0.141348, 0.650827, 0.0544007, 0.633436, 0.0522616, 0.637933, 0.0539255, 1.01463,
        0.0852772, 0.508805, 0.0785869),
    ROW("dominick", 8, 0.870615, 0.452916, 0.876063, 0.35176, 0.856008, 0.345358, 0.797783, 0.320257, 0.886208,
        0.483602, 0.90528, 0.485493),
    ROW("ercot", 24, 0.761199, 0.0366036, 0.730913, 0.024686, 0.693322, 0.0214218, 0.678981, 0.02017, 2.80423, 0.118009,
        1.22739, 0.0410036),
    ROW("exchange_rate", 30, 1.74018, 0.0129841, 1.68573, 0.0114772, 1.70952, 0.0120068, 2.39908, 0.0163394, 1.6432,
        0.0104944, 1.80685, 0.00971412),
    ROW("m4_quarterly", 8, 1.60225, 0.118648, 1.26057, 0.078904, 1.22447, 0.0771083, 1.16089, 0.0738709, 1.1599,
        0.0791541, 1.18293, 0.0790774),
    ROW("m4_yearly", 6, 3.97436, 0.161439, 3.71164, 0.128691, 3.51372, 0.121429, 3.43007, 0.117438, 3.08619, 0.111143,
        3.09386, 0.11464),
    ROW("m5", 28, 1.39921, 1.02409, 0.919547, 0.563487, 0.915225, 0.561995, 0.904908, 0.552275, 1.10136, 0.627933,
        1.11914, 0.636228),
    ROW("monash_australian_electricity", 48, 1.25332, 0.0836951, 0.84193, 0.042041, 0.740324, 0.0358403, 0.987883,
        0.0539285, 3.59821, 0.19058, 0.921488, 0.0545636),
    ROW("monash_car_parts", 12, 1.20146, 1.59995, 0.862555, 1.00098, 0.855044, 0.994543, 0.839213, 0.991494, 1.22026,
        1.33987, 1.25014, 1.3366),
    ROW("monash_cif_2016", 12, 1.28929, 0.015083, 1.09553, 0.0175887, 0.999021, 0.0164788, 0.927029, 0.0107409,
        0.896107, 0.0390511, 1.00636, 0.0273328),
    ROW("monash_covid_deaths", 30, 46.9124, 0.133085, 40.6746, 0.0672923, 38.8937, 0.0473896, 38.9424, 0.0346186, 28.44,
        0.0324944, 46.675, 0.094479),
    ROW("monash_fred_md", 12, 1.1008, 0.122224, 0.610989, 0.0477039, 0.645923, 0.0419664, 0.49511, 0.035963, 0.490698,
        0.0325828, 0.564183, 0.0573864),
    ROW("monash_hospital", 12, 0.920528, 0.0726263, 0.804323, 0.0586516, 0.791228, 0.0570484, 0.763212, 0.0518617,
        0.770201, 0.053242, 0.763705, 0.0552793),
    ROW("monash_m1_monthly", 18, 1.31446, 0.191463, 1.16256, 0.131445, 1.09987, 0.139236, 1.06044, 0.13233, 1.08905,
        0.165288, 1.09174, 0.159026),
    ROW("monash_m1_quarterly", 8, 2.07754, 0.149502, 1.89521, 0.0997084, 1.77334, 0.100745, 1.67403, 0.0995866, 1.66086,
        0.084732, 1.66706, 0.0820343),
    ROW("monash_m1_yearly", 6, 4.89432, 0.209296, 5.13672, 0.160055, 4.40437, 0.150508, 3.70317, 0.131157, 3.95715,
        0.139281, 3.65894, 0.137302),
    ROW("monash_m3_monthly", 18, 1.1462, 0.148545, 0.874464, 0.0943567, 0.851119, 0.0927095, 0.830775, 0.0898987,
        0.863361, 0.0931271, 0.854658, 0.0947219),
    ROW("monash_m3_quarterly", 8, 1.42534, 0.101252, 1.36476, 0.0787445, 1.28883, 0.0761375, 1.15416, 0.0699172,
        1.14359, 0.0702983, 1.1186, 0.0701731),
    ROW("monash_m3_yearly", 6, 3.17171, 0.166533, 3.36819, 0.151572, 2.90606, 0.129336, 2.7099, 0.126429, 2.69527,
        0.129403, 2.60995, 0.127728),
    ROW("monash_nn5_weekly", 8, 1.06285, 0.122691, 0.932545, 0.084738, 0.915728, 0.0835226, 0.911114, 0.0833096,
        0.980056, 0.0883556, 0.963435, 0.089608),
    ROW("monash_tourism_monthly", 24, 1.63094, 0.104182, 1.78908, 0.105772, 1.52822, 0.0903084, 1.44878, 0.0749278,
        1.53098, 0.100188, 1.66555, 0.0909972),
    ROW("monash_tourism_quarterly", 8, 1.69899, 0.119375, 2.09536, 0.0710808, 1.756, 0.0645309, 1.60602, 0.0592135,
        1.59889, 0.0706395, 1.6481, 0.0612408),
    ROW("monash_tourism_yearly", 4, 3.55201, 0.209183, 4.04298, 0.172689, 3.69252, 0.165581, 3.52643, 0.156069, 3.18318,
        0.15701, 2.99158, 0.176017),
    ROW("monash_traffic", 24, 1.07674, 0.361853, 0.883582, 0.257426, 0.784313, 0.231485, 0.783455, 0.231062, 1.68737,
        0.55787, 1.63334, 0.905307),
    ROW("monash_weather", 30, 1.00385, 0.216595, 0.800534, 0.131114, 0.811588, 0.133511, 0.79325, 0.127031, 1.08424,
        0.214559, 0.946812, 0.216555),
    ROW("nn5", 56, 1.29173, 0.424621, 0.722904, 0.181702, 0.576398, 0.15005, 0.547966, 0.142864, 1.03878, 0.264221,
        1.0455, 0.293651)};

double c2_published_score(const c2_published *p, size_t model, c2_metric metric) {
  if (metric != C2_MASE && metric != C2_WQL) return (double)NAN;
  return p->score[C2_PUBLISHED_METRICS * model + (metric == C2_WQL ? 1 : 0)];
}

/* Copies of the data differ in the last digits: some were rounded at their source. */
static const double same_data = 1e-3;

const c2_published *c2_published_find(const c2_task *task) {
  for (size_t i = 0; i < sizeof published / sizeof *published && task->num_windows == 1; i++) {
    if (published[i].horizon == task->horizon && strcmp(published[i].task, task->name) == 0) return &published[i];
  }
  return NULL;
}

const c2_published *c2_published_for(const c2_task *task, const double *naive) {
  const c2_published *p = c2_published_find(task);
  bool same = p && fabs(naive[C2_MASE] / c2_published_score(p, 0, C2_MASE) - 1) <= same_data &&
              fabs(naive[C2_WQL] / c2_published_score(p, 0, C2_WQL) - 1) <= same_data;
  return same ? p : NULL;
}

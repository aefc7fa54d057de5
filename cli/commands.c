/* The commands by name. main.c knows what runs them: so the help and the manual pages, which a command prints too, need
 * none of them. */
#include "cli/cli.h"

const cli_command cli_commands[] = {
    {"forecast", "forecast the series of tables or JSON Lines files", false},
    {"evaluate", "score forecasts of your own series", false},
    {"detect", "find observations that were not to be expected", false},
    {"study", "measure what sparse attention costs and gains", false},
    {"probe", "measure the attention that a sparse pattern keeps", false},
    {"bench", "measure the speed and memory of a model", false},
    {"inspect", "describe a model and check its weights", false},
    {"pull", "download a model or data set from a hub", false},
    {"serve", "answer requests for forecasts by HTTP", false},
    {"forward", "run one forward pass on raw tensors", true},
    {"predict", "forecast the inputs of a JSON file as tensors", true},
    {NULL, NULL, false},
};

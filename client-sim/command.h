/* doublecrew-sim's commands. Exit codes: 0 all that was expected holds, 1 it doesn't, 2 the command line was wrong. */
#ifndef DOUBLECREW_CLIENT_SIM_COMMAND_H
#define DOUBLECREW_CLIENT_SIM_COMMAND_H

int command_scenario(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_chaos(int argc, char **argv);
int command_device(int argc, char **argv);

#endif

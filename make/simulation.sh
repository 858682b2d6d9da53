# Read by prove.sh, test.sh and lint-parts.sh: the crate in simulation/, which is built apart from
# everything else, in a folder of its own below the others' target.

simulated=${CARGO_TARGET_DIR:-target}/simulation
case $simulated in
    /*) ;;
    *) simulated=$PWD/$simulated ;;
esac
# For the laboratory.
export WAYPOST_SIMULATION="$simulated/debug/waypost-simulation"

simulation() {
    (cd simulation && CARGO_TARGET_DIR=$simulated cargo "$@")
}

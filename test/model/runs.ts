const { MODEL_RUNS, MODEL_SEED } = process.env

/** Histories of each model: enough to notice a mistake, few enough for every run of the tests. */
export const RUNS = Number(MODEL_RUNS ?? 500)

/** The seed of a run that failed, to see it again; it is printed with the failure. */
export const SEED = MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }

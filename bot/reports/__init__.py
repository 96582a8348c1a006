"""Reports: how often what happened, over hours and days that were counted before anybody looks.

`changes` notes which days have to be counted again, `rollup` counts them (`counting` says what), and `desk`,
`articles`, `spikes` and `hold_out` read.
"""

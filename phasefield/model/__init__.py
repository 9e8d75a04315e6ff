"""The equations of docs/theory.md, one file per term.

front      where the lithium is: d, xi, the surface elements, motion           (eqs. 1-4)
film       its resistance and its patches; kinetics is in kernels/kinetics.py  (eqs. 5-8)
reaction, transport, displacement  charge and salt of one stage                (eqs. 9, 10)
cell       all of them coupled at one time, and the step in time               (eq. 11)
published, allen_cahn, published_cell  the published law                       (eqs. 12-16)

state is the record of one time, base what a law of motion is asked for, laws the table of them.
"""

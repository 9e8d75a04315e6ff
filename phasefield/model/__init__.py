"""The equations of docs/theory.md, one file per term.

front     where the lithium is: d, xi, the surface elements, motion          (eqs. 1-4)
kinetics  is in kernels/kinetics.py; film, its resistance and its patches    (eqs. 5-8)
potential charge balance and the metal's potential                           (eq. 9)
salt      diffusion, transference, displacement                              (eq. 10)
published, allen_cahn, published_cell  the published law, another cell          (eqs. 12-16)
cell      all of them coupled at one time; march   the step in time          (eq. 11)
"""

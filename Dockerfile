# phasefield with compiled kernels: docker build -t phasefield . && docker run --rm -v "$PWD:/work" phasefield run pllz
FROM python:3.12-slim

# OpenMP for the threads of the kernels, Mesa for pictures without a screen.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 libegl1 libgl1 libgl1-mesa-dri libxrender1 \
    && rm -rf /var/lib/apt/lists/*

COPY . /source
RUN pip install --no-cache-dir /source && rm -r /source

# The kernels are compiled into the image, for any user of it: what others can write is not trusted, so they copy it.
# On another kind of processor the first run compiles anew.
ENV NUMBA_CACHE_DIR=/opt/kernels
RUN mkdir -p /opt/kernels /work && phasefield warm && chmod -R a+rX,go-w /opt/kernels

WORKDIR /work
ENTRYPOINT ["phasefield"]
CMD ["--help"]

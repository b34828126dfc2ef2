# CPU image: docker build -t cifar-search . && docker run --rm -v "$PWD:/work" cifar-search run --space cnn
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY cifar_models cifar_models
COPY spaces spaces
COPY search search
RUN pip install --no-cache-dir build==1.3.0 && python -m build --wheel --outdir /wheels

FROM python:3.12-slim
LABEL org.opencontainers.image.title="cifar-search" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /wheels /wheels
# Wheels of torch for the CPU are a tenth of those with CUDA.
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
        /wheels/*.whl 'torch>=2.11' 'torchvision>=0.26' \
    && rm -r /wheels \
    && useradd --create-home --uid 1000 searcher
USER 1000
WORKDIR /work
ENTRYPOINT ["cifar-search"]
CMD ["--help"]

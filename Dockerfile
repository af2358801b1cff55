# Speech on a CPU, in a container:
#   docker build -t dora-primespeech-mlx .
#   docker run --rm -v "$PWD:/out" dora-primespeech-mlx
# speaks dataflows/say.txt through dora into speech.wav of this folder. Another text, without dora:
#   docker run --rm -v "$PWD:/out" dora-primespeech-mlx primespeech say "Hello, world." --out /out/hello.wav
# The folder that is mounted must be writable for the user with number 1000, or give --user "$(id -u)".
ARG PYTHON=python:3.12-slim
FROM ${PYTHON}

# dora writes its logs beside the dataflow.
WORKDIR /opt/dora-primespeech-mlx
COPY . .
RUN pip install --no-cache-dir -e . "dora-rs-cli>=1.1,<2" && chmod -R a+rwX dataflows

ENV HOME=/tmp WAV=/out/speech.wav
USER 1000
CMD ["dora", "run", "dataflows/say.yml"]

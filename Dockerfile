# The simulators, and the other commands of crossapp: docs/install.md
FROM python:3.11-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
# Extras, such as [fuzz,pact]. Nothing here has a browser.
ARG EXTRAS=""
COPY --from=build /wheels /wheels
COPY constraints.txt /wheels/
RUN wheel=$(echo /wheels/crossapp-*.whl) \
    && pip install --no-cache-dir --constraint /wheels/constraints.txt "crossapp${EXTRAS} @ file://${wheel}" \
    && useradd --create-home --uid 10001 crossapp \
    && install --directory --owner crossapp /work
USER 10001
WORKDIR /work
ENV PYTHONUNBUFFERED=1
EXPOSE 3000 3001 5173
ENTRYPOINT ["crossapp"]
CMD ["up", "--host", "0.0.0.0"]

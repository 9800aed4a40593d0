FROM node:24-slim
WORKDIR /keyledger
COPY package.json package-lock.json ./
# The image is the pinned runtime: the scripts that would install another one are not run.
RUN npm install --no-save --omit=dev --ignore-scripts --no-audit --no-fund
COPY . .
RUN mkdir data && chown node:node data
USER node
EXPOSE 8787
HEALTHCHECK --interval=10s --start-period=10s CMD ["node", "-e", "fetch('http://127.0.0.1:8787/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--disable-warning=ExperimentalWarning", "--max-semi-space-size=16", "--heap-growing-percent=100", "main.ts"]

import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './page.css';

import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';

import { fetcher } from './fetcher.js';
import { questions } from './questions.js';
import { storage } from './storage.js';
import { defaultHeaders, questionTab, tabs } from './tabs.js';

// One file serves all of the editor's workers; each learns from its name which one it is.
globalThis.MonacoEnvironment = {
  getWorker: (_moduleId, label) => new Worker('/graphiql/worker.js', { name: label, type: 'module' }),
};

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    defaultTabs={[...tabs, ...questions.map(questionTab)]}
    defaultHeaders={defaultHeaders}
    defaultEditorToolsVisibility="headers"
    shouldPersistHeaders
  >
    <GraphiQL.Logo>Quick Commerce</GraphiQL.Logo>
  </GraphiQL>,
);

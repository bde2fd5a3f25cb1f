// All of the editor's workers in one file, because most of their code is the same.

// Answers as the JSON worker from here on; the others take its place below.
import 'monaco-editor/esm/vs/language/json/json.worker.js';
import { initialize } from 'monaco-editor/esm/vs/editor/editor.worker.js';
import { GraphQLWorker } from 'monaco-graphql/esm/GraphQLWorker.js';

if (self.name === 'graphql') {
  self.onmessage = () => initialize((context, data) => new GraphQLWorker(context, data));
} else if (self.name !== 'json') {
  self.onmessage = () => initialize(null);
}

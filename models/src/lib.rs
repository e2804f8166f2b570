//! Model cards, the model store and ONNX Runtime sessions.

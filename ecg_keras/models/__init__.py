"""The networks: backbones, the classifier around them, stages, and moving weights between them.

Looking up a name in `BACKBONES` imports no TensorFlow; building a network does.
"""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.models.ahus import inception_ahus as inception_ahus
    from ecg_keras.models.architecture import (
        Architecture as Architecture,
        read_architecture as read_architecture,
    )
    from ecg_keras.models.building import head_of as head_of
    from ecg_keras.models.calls import (
        call_of as call_of,
        calls_before as calls_before,
        calls_in_order as calls_in_order,
        check_has_graph as check_has_graph,
    )
    from ecg_keras.models.convolution_transformer import cnn_transformer as cnn_transformer
    from ecg_keras.models.ecgfounder import net1d as net1d
    from ecg_keras.models.fourier import fourier_cnn as fourier_cnn
    from ecg_keras.models.freezing import (
        set_trainable as set_trainable,
        single_layers as single_layers,
        stage_of as stage_of,
        stages as stages,
        variables_by_stage as variables_by_stage,
    )
    from ecg_keras.models.image_networks import (
        cwt_efficientnetv2b0 as cwt_efficientnetv2b0,
        cwt_resnet50 as cwt_resnet50,
        on_scalogram as on_scalogram,
        on_spectrogram as on_spectrogram,
        stft_resnet50 as stft_resnet50,
    )
    from ecg_keras.models.inception_time import inception1d as inception1d
    from ecg_keras.models.network import (
        as_graph as as_graph,
        classifier as classifier,
        cut_head as cut_head,
        with_length as with_length,
    )
    from ecg_keras.models.patch_transformer import vit1d as vit1d
    from ecg_keras.models.preprocessing import preprocess as preprocess
    from ecg_keras.models.recurrent import bilstm as bilstm, gru as gru, lstm as lstm
    from ecg_keras.models.resnet1d import (
        resnet1d18 as resnet1d18,
        resnet1d50 as resnet1d50,
        resnet1d101 as resnet1d101,
    )
    from ecg_keras.models.ribeiro import ribeiro_resnet as ribeiro_resnet
    from ecg_keras.models.s4_network import s4 as s4
    from ecg_keras.models.saving import (
        float32_clone as float32_clone,
        load_model as load_model,
        save_model as save_model,
    )
    from ecg_keras.models.scaling import (
        scaling_layer as scaling_layer,
        set_layer_weights as set_layer_weights,
    )
    from ecg_keras.models.transfer import Transfer as Transfer, load_backbone as load_backbone
    from ecg_keras.models.wang import fcn_wang as fcn_wang, resnet1d_wang as resnet1d_wang
    from ecg_keras.models.xceptiontime import (
        with_label_maps as with_label_maps,
        xception_time as xception_time,
    )
    from ecg_keras.models.xresnet1d import (
        xresnet1d18 as xresnet1d18,
        xresnet1d50 as xresnet1d50,
        xresnet1d101 as xresnet1d101,
    )
    from ecg_keras.models.zoo import (
        AS_PUBLISHED_HEAD as AS_PUBLISHED_HEAD,
        BACKBONES as BACKBONES,
        DENSE_EMBEDDINGS as DENSE_EMBEDDINGS,
        FAMILIES as FAMILIES,
        HIGHEST_RATES as HIGHEST_RATES,
        OTHER_FAMILY as OTHER_FAMILY,
        STAGES as STAGES,
        ZOO as ZOO,
        Backbone as Backbone,
        family_of as family_of,
        find_backbone as find_backbone,
        highest_rate_of as highest_rate_of,
        published_head as published_head,
        weights_fit as weights_fit,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
